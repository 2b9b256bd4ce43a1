"""Opens documents from the disk; one that cannot be opened costs only itself."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.ui.services.document_storage import DocumentStorage

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opening:
    """What came of it.

    Attributes:
        document: as far as it can be read; ``None`` when there is none of that id, or nothing of it can be read.
        problem: a sentence for the person; empty when all is well.
        report: a traceback of a mistake of ours; empty when it was none.
    """

    document: Document | None = None
    problem: str = ""
    report: str = ""


def open_document(storage: DocumentStorage, id: str) -> Opening:
    """Reads the document of that id; never raises, because the window must open whatever is on the disk."""
    try:
        opened = storage.open(id)
        if opened is None:
            return Opening()
        document = Document(opened.snapshot)
        _look_through(document)
        return Opening(document, opened.problem)
    except UserError as error:
        return Opening(problem=str(error))
    except Exception as error:
        log.exception("document %s cannot be opened", id)
        sentence = (
            f"This document cannot be opened ({type(error).__name__}); it is kept as it is and stays in the list."
        )
        return Opening(problem=sentence, report=traceback.format_exc())


def _look_through(document: Document) -> None:
    """Asks for all that the page will show, so that what cannot be shown fails here."""
    _ = document.text, document.title, document.generated_spans(), document.last_generation()
