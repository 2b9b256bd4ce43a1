"""Opens files that the desktop or the command line gives: each on the page that accepts it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from gptdesk.ui.services.services import MessageService
from gptdesk.ui.window.pages import Page

_MOST_NAMED: Final = 3


def open_files(paths: Sequence[Path], pages: Iterable[Page], messages: MessageService) -> None:
    """Hands each file or folder to the first page that accepts it, and names those that no page opens."""
    left = list(paths)
    for page in pages:
        accepted = [path for path in left if page.accepts(path)]
        if accepted:
            page.open_files(accepted)
            left = [path for path in left if path not in accepted]
    here = [path.name for path in left if path.exists()]
    gone = [path.name for path in left if not path.exists()]
    if here:
        messages.show(f"{_listed(here)}: neither a text nor a model that gptdesk can open.", kind="warn")
    if gone:
        messages.show(f"{_listed(gone)}: not found.", kind="warn")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"
