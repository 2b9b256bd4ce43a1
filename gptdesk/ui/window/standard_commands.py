"""Commands of the window itself: pages, panel, theme, marks and text size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from PySide6.QtGui import QKeySequence

from gptdesk.store.settings import titles_of
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.window.commands.registry import Command

_THEMES: Final = {
    "system": "Follow the system's choice of light or dark",
    "light": "Dark text on a light background",
    "dark": "Light text on a dark background",
}


def page_commands(pages: Iterable[tuple[str, str]], show: Callable[[str], object]) -> list[Command]:
    """One command a page; Ctrl+1 to Ctrl+9 show the first nine.

    Args:
        pages: ids and titles, in the order of the rail.
        show: shows the page of an id.
    """
    return [
        Command(
            id=f"page.{id}",
            title=title,
            description=f"Show the page {title}",
            run=partial(show, id),
            group="page",
            shortcuts=(f"Ctrl+{number}",) if number <= 9 else (),
        )
        for number, (id, title) in enumerate(pages, 1)
    ]


def panel_command(fold: Callable[[], object]) -> Command:
    """Hides or shows the panel of the page that is shown."""
    return Command(
        id="view.panel",
        title="Show or hide the panel",
        description="Hide the panel at the right of the page, or show it again",
        run=fold,
        group="page",
        shortcuts=("Ctrl+.",),
    )


def view_commands(settings: SettingsService, zoom: Callable[[int], object]) -> list[Command]:
    """Theme, marks of generated text and size of the text.

    Args:
        zoom: makes the text larger (1) or smaller (-1), or gives it the standard size (0).
    """
    key = QKeySequence.StandardKey
    themes = [
        Command(
            id=f"theme.{mode}",
            title=title,
            description=_THEMES[mode],
            run=partial(settings.update, theme=mode),
            group="view",
            submenu="Theme",
            checked=lambda mode=mode: settings.value.theme == mode,  # type: ignore[misc]
        )
        for mode, title in titles_of("theme").items()
    ]
    sizes: tuple[tuple[str, str, str, int, tuple[QKeySequence.StandardKey | str, ...]], ...] = (
        ("text.larger", "Larger text", "Make the text of the Playground larger", 1, (key.ZoomIn, "Ctrl+=")),
        ("text.smaller", "Smaller text", "Make the text of the Playground smaller", -1, (key.ZoomOut,)),
        ("text.standard", "Standard text size", "Give the text of the Playground its standard size", 0, ("Ctrl+0",)),
    )
    marks = Command(
        id="text.marks",
        title="Mark generated text",
        description="Tint the newest generation, and show a bar in the margin beside everything that was generated",
        run=lambda: settings.update(marks=not settings.value.marks),
        group="view",
        shortcuts=("Ctrl+M",),
        checked=lambda: settings.value.marks,
    )
    return [*themes, marks] + [
        Command(id=id, title=title, description=tip, run=partial(zoom, step), group="view", shortcuts=keys)
        for id, title, tip, step, keys in sizes
    ]
