"""Opens stored documents; a damaged one never keeps the window from opening."""

from __future__ import annotations

import logging
import traceback

import msgspec

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.recovery import Place
from gptdesk.ui.services.services import DocumentService

log = logging.getLogger(__name__)


class Opening(msgspec.Struct, frozen=True):
    """Result of opening a document.

    Attributes:
        document: what could be read of it; ``None`` if there is no such document, or nothing of it can be read.
        problem: a sentence for the person; empty if there is none.
        place: where the person was reading; ``None`` if that is not known.
        report: traceback of an unexpected error; empty if there was none.
    """

    document: Document | None = None
    problem: str = ""
    report: str = ""
    place: Place | None = None


def open_document(storage: DocumentService, id: str) -> Opening:
    """Reads the document of that id. Never raises: the window must open whatever is on the disk."""
    try:
        opened = storage.open(id)
        if opened is None:
            return Opening()
        document = Document(opened.snapshot)
        _read_views(document)
        return Opening(document, opened.problem, place=opened.place)
    except UserError as error:
        return Opening(problem=str(error))
    except Exception as error:
        log.exception("document %s cannot be opened", id)
        sentence = (
            f"This document cannot be opened ({type(error).__name__}); it is kept unchanged and stays in the list."
        )
        return Opening(problem=sentence, report=traceback.format_exc())


def _read_views(document: Document) -> None:
    """Reads everything that the page will show, so that errors occur here."""
    _ = document.text, document.title, document.generated_spans(), document.last_generation()
