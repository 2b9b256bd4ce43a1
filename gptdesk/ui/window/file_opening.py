"""Opens files that the desktop or the command line gives: each on the page that accepts it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gptdesk.ui.services.services import MessageService
from gptdesk.ui.window.pages import Page


def open_files(paths: Sequence[Path], pages: Iterable[Page], messages: MessageService) -> None:
    """Hands each file or folder to the first page that accepts it, and names those that no page opens."""
    left = list(paths)
    for page in pages:
        accepted = [path for path in left if page.accepts(path)]
        if accepted:
            page.open_files(accepted)
            left = [path for path in left if path not in accepted]
    if left:
        names = ", ".join(path.name for path in left[:3])
        messages.show(
            f"{names}: neither a text nor a model that gptdesk can open."
            if left[0].exists()
            else f"{names} was not found.",
            kind="warn",
        )
