"""One turn of a chat: speaker, message, versions, and what can be done with it."""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace
from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.chat.turns import ROLE_TITLES, ChatTurn
from gptdesk.gpt2.chat_template import Role
from gptdesk.ui.chat.turns.message_text import MessageText
from gptdesk.ui.chat.turns.turn_editor import TurnEditor
from gptdesk.ui.chat.turns.turn_state import TurnState
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.widgets.tooltips import wrapped


class _Key(NamedTuple):
    """A key of a card, and the name of its action."""

    key: Qt.Key
    name: str
    letter: str


KEYS: Final = (
    _Key(Qt.Key.Key_E, "edit", "E"),
    _Key(Qt.Key.Key_R, "regenerate", "R"),
    _Key(Qt.Key.Key_G, "go_on", "G"),
    _Key(Qt.Key.Key_P, "pin", "P"),
    _Key(Qt.Key.Key_C, "copy", "C"),
    _Key(Qt.Key.Key_Delete, "remove", "Del"),
    _Key(Qt.Key.Key_Left, "earlier", "←"),
    _Key(Qt.Key.Key_Right, "later", "→"),
)
"""What a card with the focus understands."""


class TurnCard(QFrame):
    """Shows a turn, and tells what is wanted with it by its index.

    Attributes:
        state: what is shown.
        message: the text.
        editor: while the message is edited.

    Signals:
        saved(int, str), branched(int, str): the message was edited, as `TurnEditor` says.
        regenerated(int), continued(int), removed(int): what the person wants of the reply, or with the turn.
        changed(int, object): the turn shall have another role or pin; a `ChatTurn`.
        walked(int, int): the version that many places further shall be shown.
        moved(int, int): the focus shall move that many cards further.
        link_clicked(object): a link, a `QUrl`.
    """

    saved = Signal(int, str)
    branched = Signal(int, str)
    regenerated = Signal(int)
    continued = Signal(int)
    removed = Signal(int)
    changed = Signal(int, object)
    walked = Signal(int, int)
    moved = Signal(int, int)
    link_clicked = Signal(object)

    def __init__(self, theme: Theme, pixels: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._pixels = theme, pixels
        self.state = TurnState(-1, ChatTurn("user", ""))
        self.editor: TurnEditor | None = None
        self.setProperty("kind", "turn")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.speaker, self.remarks = QLabel(), ElidedLabel()
        self.speaker.setProperty("kind", "title")
        self.speaker.setTextFormat(Qt.TextFormat.PlainText)
        self.remarks.setProperty("kind", "muted")
        self.earlier, self.later = self._button("chevron-left", "earlier"), self._button("chevron-right", "later")
        self.version = QLabel()
        self.version.setProperty("kind", "muted")
        self.version.setAccessibleName("Version")
        self.buttons = {name: self._button(icon, name) for icon, name in _BUTTONS}
        self.message = MessageText()
        self.message.set_text_size(pixels)
        self.message.anchorClicked.connect(self._on_link)
        theme.changed.connect(self.message.render_again)
        header = QHBoxLayout()
        header.setSpacing(4)
        header.addWidget(self.speaker)
        header.addSpacing(4)
        header.addWidget(self.remarks, 1)
        for widget in (self.earlier, self.version, self.later, *self.buttons.values()):
            header.addWidget(widget)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 8, 12, 14)
        self._column.setSpacing(6)
        self._column.addLayout(header)
        self._column.addWidget(self.message)

    def show_state(self, state: TurnState) -> None:
        """Shows a turn."""
        if state == self.state:
            return
        if self.editor is not None and state.index != self.state.index:
            self.stop_editing()
        self.state = state
        turn = state.turn
        self.speaker.setText(turn.title)
        set_property(self, "role", turn.role)
        set_property(self, "faded", "true" if state.left_out else "false")
        self.remarks.setText(state.remarks)
        self.message.show_text(turn.text if turn.text.strip() else ("" if state.writing else "*no text*"))
        self.message.setAccessibleName(f"Message of {turn.title}")
        self.setAccessibleName(state.title)
        self.setAccessibleDescription(
            ". ".join(filter(None, (state.remarks, state.walker and f"version {state.walker}")))
        )
        self.version.setText(state.walker)
        for widget in (self.earlier, self.version, self.later):
            widget.setVisible(bool(state.versions))
        self.earlier.setEnabled(state.version > 1)
        self.later.setEnabled(state.version < state.versions)
        self.buttons["go_on"].setVisible(turn.role == "assistant")
        for name in ("edit", "regenerate", "go_on"):
            self.buttons[name].setEnabled(not state.writing)
        self.buttons["regenerate"].setVisible(turn.role != "system")

    def grow(self, turn: ChatTurn) -> None:
        """Shows more of the text that the model writes."""
        self.state = replace(self.state, turn=turn)
        self.message.show_text(turn.text)

    def set_text_size(self, pixels: int) -> None:
        self._pixels = pixels
        self.message.set_text_size(pixels)

    def edit(self) -> None:
        """Shows the editor in the place of the message."""
        if self.editor is None:
            replies = self.state.turn.role != "assistant"
            editor = self.editor = TurnEditor(self.state.turn.text, self._pixels, replies=replies)
            editor.cancelled.connect(self.stop_editing)
            editor.saved.connect(lambda text: self._on_edited(self.saved, text))
            editor.branched.connect(lambda text: self._on_edited(self.branched, text))
            self.message.hide()
            self._column.addWidget(editor)
        self.editor.setFocus()

    def stop_editing(self) -> None:
        """Shows the message again."""
        editor, self.editor = self.editor, None
        if editor is not None:
            self.message.show()
            self.setFocus()
            editor.hide()
            editor.deleteLater()

    def act(self, name: str) -> None:
        """Does what a button, a key or the menu stands for, where it is possible."""
        index, turn = self.state.index, self.state.turn
        if self.state.writing and name not in ("copy", "more"):
            return
        match name:
            case "edit":
                self.edit()
            case "regenerate" if turn.role != "system":
                self.regenerated.emit(index)
            case "go_on" if turn.role == "assistant":
                self.continued.emit(index)
            case "pin":
                self.changed.emit(index, replace(turn, pinned=not turn.pinned))
            case "copy":
                QApplication.clipboard().setText(turn.text)
            case "remove":
                self.removed.emit(index)
            case "earlier" | "later" if self.state.versions:
                self.walked.emit(index, -1 if name == "earlier" else 1)
            case "more":
                self.menu().popup(self.buttons["more"].mapToGlobal(self.buttons["more"].rect().bottomLeft()))

    def menu(self) -> Menu:
        """What can be done with the turn."""
        menu, turn = Menu(self), self.state.turn
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in ("edit", "regenerate", "go_on", "copy", "pin"):
            if (name == "go_on" and turn.role != "assistant") or (name == "regenerate" and turn.role == "system"):
                continue
            title = "Unpin" if name == "pin" and turn.pinned else _TITLES[name]
            menu.addAction(f"{title}\t{_letter(name)}", partial(self.act, name))
        roles = menu.addMenu("Role")
        for role, title in ROLE_TITLES.items():
            action = roles.addAction(title, partial(self._set_role, role))
            action.setCheckable(True)
            action.setChecked(role == turn.role)
        menu.addSeparator()
        menu.addAction(f"{_TITLES['remove']}\t{_letter('remove')}", partial(self.act, "remove"))
        return menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(self.state.index, -1 if event.key() == Qt.Key.Key_Up else 1)
            return
        name = next((one.name for one in KEYS if one.key == event.key()), None)
        if name is None or event.modifiers() not in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            super().keyPressEvent(event)
        else:
            self.act(name)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.act("edit")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())

    def _set_role(self, role: Role) -> None:
        self.changed.emit(self.state.index, replace(self.state.turn, role=role))

    def _on_edited(self, signal: object, text: str) -> None:
        index = self.state.index
        self.stop_editing()
        signal.emit(index, text)  # type: ignore[attr-defined]

    def _on_link(self, url: QUrl) -> None:
        self.link_clicked.emit(url)

    def _button(self, icon: str, name: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "chip")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus if name == "more" else Qt.FocusPolicy.NoFocus)
        button.setAccessibleName(_TITLES[name])
        key = _letter(name)
        button.setToolTip(wrapped(f"{_TITLES[name]} ({key})" if key else _TITLES[name]))
        button.clicked.connect(partial(self.act, name))
        self._theme.set_icon(button, icon, "muted")
        return button


_BUTTONS: Final = (("edit", "edit"), ("regenerate", "regenerate"), ("play", "go_on"), ("more", "more"))
_TITLES: Final = {
    "edit": "Edit",
    "regenerate": "Regenerate the reply",
    "go_on": "Continue the reply",
    "pin": "Pin: keep it in the prompt",
    "copy": "Copy",
    "remove": "Remove the turn",
    "earlier": "Former version",
    "later": "Next version",
    "more": "More",
}


def _letter(name: str) -> str:
    """The key of an action."""
    return next((one.letter for one in KEYS if one.name == name), "")
