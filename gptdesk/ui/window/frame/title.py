"""Title of the window: that of the page that is shown."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


class WindowTitle:
    """Keeps a title for each page."""

    def __init__(self, window: QWidget) -> None:
        self._window, self._page, self._default = window, "", ""
        self._titles: dict[str, str] = {}
        self._show()

    def set(self, page: str, title: str) -> None:
        """Sets the title of a page; "" for the default that `show_page` names."""
        self._titles[page] = title
        self._show()

    def show_page(self, page: str, default: str) -> None:
        """Shows the title of that page."""
        self._page, self._default = page, default
        self._show()

    def _show(self) -> None:
        title = self._titles.get(self._page) or self._default
        self._window.setWindowTitle(f"{title} — gptdesk" if title else "gptdesk")
