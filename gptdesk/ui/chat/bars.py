"""Bars of the Chat page: the chat that is open, the model, and what it is doing."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.chat.chats import Chats
from gptdesk.ui.chat.prompt_watch import PromptWatch
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, MenuButton
from gptdesk.ui.widgets.layout.page_bars import TOP_HEIGHT, PageStatus, set_up_bar
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_MOST: Final = 12
_WIDEST: Final = 360
_OF_CHAT: Final = ("chat.playground", "chat.rename", "chat.import", "chat.export", "chat.delete")
_STATES: Final = {
    State.EMPTY: ("muted", "No model"),
    State.LOADING: ("warn", "Loading"),
    State.READY: ("good", "Ready"),
    State.GENERATING: ("accent", "Generating"),
    State.STOPPING: ("accent", "Stopping"),
}


class ChatButton(MenuButton):
    """Shows the title of the chat; its menu opens another, and renames, imports, exports or deletes."""

    def __init__(self, chats: Chats, session: ChatSession, commands: Commands, parent: QWidget | None = None) -> None:
        self._menu = Menu()
        super().__init__("title", self._menu, parent)
        self._chats, self._session, self._commands = chats, session, commands
        self.setAccessibleName("Open chat")
        self.setToolTip(wrapped("Open another chat; rename, import, export or delete this one"))
        self._menu.aboutToShow.connect(self._fill)
        session.opened.connect(self._show)
        session.changed.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        title = self._session.document.title if self._session.turns else "New chat"
        if title != self.text():
            self.setText(title)

    def _fill(self) -> None:
        self._menu.clear()
        metrics = self._menu.fontMetrics()
        entries = self._chats.entries(_MOST)
        for entry in entries:
            title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, _WIDEST).replace("&", "&&")
            action = self._menu.addAction(title, partial(self._chats.open, entry.id))
            action.setCheckable(True)
            action.setChecked(entry.id == self._session.document.id)
        if not entries:
            self._menu.addAction("No chats yet").setEnabled(False)
        self._menu.addSeparator()
        self._commands.refresh(*_OF_CHAT)
        for id in _OF_CHAT:
            self._menu.addAction(self._commands.action(id))


class ChatTopBar(QWidget):
    """Model and device on the left, the chat in the middle, a new one and the menu on the right."""

    def __init__(
        self,
        theme: Theme,
        chooser: ModelChooser,
        device: DeviceButton,
        title: ChatButton,
        commands: Commands,
        menu: QMenu,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_up_bar(self, TOP_HEIGHT)
        self.title = title
        self.new = ActionButton(commands.action("chat.new"), " New")
        theme.set_icon(self.new, "plus")
        self.menu = IconMenuButton("Menu", menu)
        theme.set_icon(self.menu, "menu")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(chooser)
        row.addWidget(device)
        row.addStretch(1)
        row.addWidget(title)
        row.addStretch(1)
        row.addWidget(self.new)
        row.addWidget(self.menu)


class ChatStatus(PageStatus):
    """What the model is doing, figures of the last reply, and how full the context is."""

    def __init__(
        self,
        theme: Theme,
        inference: InferenceService,
        session: ChatSession,
        watch: PromptWatch,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, ("State", "Figures of the last reply", "Tokens"), parent)
        self._inference, self._session, self._watch = inference, session, watch
        inference.state_changed.connect(self._show)
        session.activity_changed.connect(self._show)
        watch.changed.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        role, words = _STATES[self._inference.state]
        self.state.setText(words)
        self.dot.set_state(role, ring=self._inference.state in (State.LOADING, State.STOPPING))
        done = self._session.done
        parts = []
        if done is not None and done.completion_tokens:
            parts = [number_format.tokens(done.completion_tokens)]
            parts += [number_format.speed(done.tokens_per_s)] if done.tokens_per_s else []
        self.detail.setText("  ·  ".join(parts))
        prompt, info = self._watch.prompt, self._inference.info
        used = number_format.count(len(prompt.ids)) if prompt is not None else "0"
        self.right.setText(f"{used} of {number_format.tokens(info.context)} of context" if info is not None else "")
