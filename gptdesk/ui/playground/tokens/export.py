"""Writes the tokens of a text with all their figures to a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gptdesk.errors import UserError
from gptdesk.store.files import write_atomic
from gptdesk.ui.services.reading.jobs import ScoredText

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


def export_csv(scored: ScoredText, tokenizer: Tokenizer, path: Path) -> None:
    """Writes ``scored`` as `gptdesk score --csv` prints it.

    Raises:
        UserError: if the disk is full or cannot be written; an existing file is then unchanged.
    """
    from gptdesk.inference.scoring.table import as_csv, scored_tokens

    spans = list(zip(scored.starts.tolist(), scored.ends.tolist(), strict=True))
    content = "".join(as_csv(scored_tokens(scored.found, spans, tokenizer)))
    try:
        write_atomic(path, content.encode("utf-8"))
    except OSError as error:
        raise UserError(f"The tokens cannot be written to {path} ({error.strerror}); choose another place.") from error
