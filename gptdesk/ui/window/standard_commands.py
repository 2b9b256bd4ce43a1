"""Commands of the window itself: pages, panel, theme, marks and text size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from PySide6.QtGui import QKeySequence

from gptdesk.store.settings import titles_of
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.registry import Command

_THEMES: Final = {
    "system": "Light or dark as set in the system",
    "light": "Dark text on a light background",
    "dark": "Light text on a dark background",
}


def page_commands(pages: Iterable[tuple[str, str]], show: Callable[[str], object]) -> list[Command]:
    """A command for each page; Ctrl+1 to Ctrl+9 show the first nine.

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
    """Hides or shows the right panel of the current page."""
    return Command(
        id="view.panel",
        title="Show or hide the panel",
        description="Show or hide the panel on the right of the page",
        run=fold,
        group="page",
        shortcuts=("Ctrl+.",),
    )


def region_commands(go: Callable[[int], object]) -> list[Command]:
    """Commands that move the focus between regions of the window.

    Args:
        go: moves it to the next region (1), or to the previous one (-1).
    """
    return [
        Command(
            id=f"region.{name}",
            title=f"Focus the {name} region",
            description=f"Move the focus to the {name} region of the window: page, messages, bars",
            run=partial(go, step),
            shortcuts=(key,),
            in_palette=False,
        )
        for name, step, key in (("next", 1, "F6"), ("previous", -1, "Shift+F6"))
    ]


def view_commands(settings: SettingsService, zoom: Callable[[int], object]) -> list[Command]:
    """Commands for theme, marks of generated text and text size.

    Args:
        zoom: makes the text larger (1) or smaller (-1), or resets its size (0).
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
        ("text.larger", "Larger", "Increase the text size of the Playground", 1, (key.ZoomIn, "Ctrl+=")),
        ("text.smaller", "Smaller", "Decrease the text size of the Playground", -1, (key.ZoomOut,)),
        ("text.standard", "Standard", "Reset the text size of the Playground", 0, ("Ctrl+0",)),
    )
    marks = Command(
        id="text.marks",
        title="Mark generated text",
        description="Tint the newest generation, and show a bar in the margin beside all generated text",
        run=lambda: settings.update(marks=not settings.value.marks),
        group="view",
        shortcuts=("Ctrl+M",),
        checked=lambda: settings.value.marks,
    )
    return [*themes, marks] + [
        Command(
            id=id,
            title=title,
            description=tip,
            run=partial(zoom, step),
            group="view",
            submenu="Text size",
            shortcuts=keys,
        )
        for id, title, tip, step, keys in sizes
    ]
