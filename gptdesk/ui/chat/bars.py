"""Bars of the Chat page: the chat that is open, the model, and what it is doing."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.chat.chats import Chats
from gptdesk.ui.chat.commands import ENTRIES
from gptdesk.ui.chat.prompt_watch import PromptWatch
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.documents.title_button import TitleButton, fitting
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.model_state import show_state
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.layout.page_bars import TOP_HEIGHT, PageStatus, set_up_bar
from gptdesk.ui.window.commands.registry import Commands

_MOST: Final = 12
_OF_CHAT: Final = tuple(f"chat.{entry.name}" for entry in ENTRIES)


class ChatButton(TitleButton):
    """Shows the title of the chat; its menu opens another, and renames, imports, exports or deletes."""

    def __init__(self, chats: Chats, session: ChatSession, commands: Commands, parent: QWidget | None = None) -> None:
        self._chats, self._chat = chats, session
        help = "Open another chat; rename, import, export or delete this one"
        super().__init__(session, commands, "Open chat", help, _OF_CHAT, parent)

    def shown_title(self) -> str:
        return self._chat.document.title if self._chat.turns else "New chat"

    def fill_list(self) -> None:
        entries = self._chats.entries(_MOST)
        for entry in entries:
            action = self.list.addAction(fitting(self.list, entry.title), partial(self._chats.open, entry.id))
            action.setCheckable(True)
            action.setChecked(entry.id == self._chat.document.id)
        if not entries:
            self.list.addAction("No chats yet").setEnabled(False)


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
        self.state.setText(show_state(self.dot, self._inference.state))
        done = self._session.done
        parts = []
        if done is not None and done.completion_tokens:
            parts = [number_format.tokens(done.completion_tokens)]
            parts += [number_format.speed(done.tokens_per_s)] if done.tokens_per_s else []
        self.detail.setText("  ·  ".join(parts))
        prompt, info = self._watch.prompt, self._inference.info
        used = number_format.count(len(prompt.ids)) if prompt is not None else "0"
        self.right.setText(f"{used} of {number_format.tokens(info.context)} of context" if info is not None else "")
