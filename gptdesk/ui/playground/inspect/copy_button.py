"""What of a view can be copied, and the button that copies it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QGuiApplication

from gptdesk.ui.playground.inspect.maps.picture import png_bytes, png_of, svg_of
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.inspect.views import COPIES
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.popup import Menu

_SVG: Final = "image/svg+xml"


class CopyButton(IconMenuButton):
    """A button whose menu copies what a view shows.

    Args:
        theme: of the window.
        shown: the view; None where it has nothing to show.
        code: Python code that computes what it shows.

    Signals:
        told(str): emitted with what has happened.
    """

    told = Signal(str)

    def __init__(self, theme: Theme, shown: Callable[[], InspectView | None], code: Callable[[], str]) -> None:
        menu = Menu()
        super().__init__("Copy the view", menu)
        menu.setParent(self, menu.windowFlags())
        self._theme, self._shown, self._code = theme, shown, code
        self.setProperty("kind", "flat")
        theme.set_icon(self, "copy", "muted")
        for kind, (title, _) in COPIES.items():
            menu.addAction(title, partial(self.copy, kind))

    def copy(self, kind: str) -> None:
        """Puts a copy into the clipboard; ``kind`` is a key of `COPIES`."""
        view = self._shown()
        code = self._code() if kind == "python" and view is not None else ""
        if view is None or not view.copied.cells.rowCount() or (kind == "python" and not code):
            self.told.emit("Nothing to copy yet.")
            return
        clipboard, data = QGuiApplication.clipboard(), QMimeData()
        if kind == "csv":
            data.setText(view.copied.as_csv())
        elif kind == "python":
            data.setText(code)
        elif kind == "png":
            image = png_of(view.pictured, self._theme.colours)
            data.setImageData(image)
            data.setData("image/png", png_bytes(image))
        else:
            svg = svg_of(view.pictured, self._theme.colours, "Inspect")
            data.setData(_SVG, svg)
            data.setText(svg.decode())
        clipboard.setMimeData(data)
        part = "" if kind != "csv" or view.copied.is_copied_whole else ", the current row alone"
        self.told.emit(f"Copied as {'Python' if kind == 'python' else kind.upper()}{part}.")
