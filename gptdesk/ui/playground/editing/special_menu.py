"""Menu from which special tokens are inserted into the editor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.special_tokens import shown_name
from gptdesk.ui.playground.special_tokens import SpecialTokens
from gptdesk.ui.widgets.popup import Menu

_MOST: Final = 40
"""Names in a menu at most; some vocabularies have hundreds of numbered ones."""


class SpecialTokenMenu(QObject):
    """Fills menus with the special tokens of the model.

    Args:
        editor: into which they are inserted.
        special: says which there are.
        more: actions below the names.
    """

    def __init__(self, editor: Editor, special: SpecialTokens, more: Sequence[QAction]) -> None:
        super().__init__(editor)
        self._editor, self._special, self._more = editor, special, more
        editor.fill_special_menu = self.fill

    def choose(self) -> None:
        """Inserts the model's only special token, or opens a menu of them at the caret."""
        names = self._special.names
        if len(names) == 1:
            self._insert(names[0])
            return
        menu = Menu(self._editor)
        self._add_names(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._editor.viewport().mapToGlobal(self._editor.cursorRect().bottomLeft()))

    def fill(self, menu: QMenu) -> None:
        """Adds the names, or why there are none, and the actions below them."""
        if reason := self._special.why_none():
            menu.addAction(reason).setEnabled(False)
        self._add_names(menu)
        menu.addSeparator()
        menu.addActions(self._more)

    def _add_names(self, menu: QMenu) -> None:
        for name in self._special.names[:_MOST]:
            menu.addAction(shown_name(name).replace("&", "&&"), partial(self._insert, name))

    def _insert(self, name: str) -> None:
        self._editor.replace_selection(MixedText(PLACEHOLDER, (name,)))
        self._editor.setFocus()
