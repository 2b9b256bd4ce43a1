"""The button that shows a document's title; its menu opens another one, and acts on the open one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.ui.documents.session import DocumentSession
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_WIDEST: Final = 360
"""Largest width of a title in a menu, in pixels."""


class TitleButton(MenuButton):
    """Shows the title of the open document. Subclasses say which, and list others in `fill_list`.

    Args:
        name: for screen readers.
        help: shown as tooltip.
        listed: ids of the commands below the list.
    """

    def __init__(
        self,
        session: DocumentSession,
        commands: Commands,
        name: str,
        help: str,
        listed: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        self.list = Menu()
        super().__init__("title", self.list, parent)
        self._session, self._commands, self._listed = session, commands, listed
        self.setAccessibleName(name)
        self.setToolTip(wrapped(help))
        self.list.aboutToShow.connect(self._fill)
        session.opened.connect(self._show)
        session.changed.connect(self._show)
        self._show()

    def shown_title(self) -> str:
        """The title."""
        return self._session.document.title

    def fill_list(self) -> None:
        """Adds other documents to ``list``, which is empty."""
        raise NotImplementedError

    @Slot()
    def _show(self) -> None:
        if (title := self.shown_title()) != self.text():
            self.setText(title)

    @Slot()
    def _fill(self) -> None:
        self.list.clear()
        self.fill_list()
        self.list.addSeparator()
        self._commands.refresh(*self._listed)
        for id in self._listed:
            self.list.addAction(self._commands.action(id))


def fitting(menu: QMenu, title: str) -> str:
    """A title as an entry of a menu."""
    return menu.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, _WIDEST).replace("&", "&&")
