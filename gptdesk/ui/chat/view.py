"""View of the Chat page: turns, composer, and the panel beside them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.ui.chat.composer import Composer
from gptdesk.ui.chat.empty_state import EmptyState
from gptdesk.ui.chat.prompt_watch import PromptWatch
from gptdesk.ui.chat.prompts import ChatPrompts
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.chat.settings.panel import UNTRAINED, ChatPanel
from gptdesk.ui.chat.turns.turn_card import TurnCard
from gptdesk.ui.chat.turns.turn_list import TurnList
from gptdesk.ui.chat.turns.turn_state import TurnState
from gptdesk.ui.decoding.panel import WIDTH, DecodingPanel
from gptdesk.ui.fonts import scaled
from gptdesk.ui.model_names import model_title
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.throttle import RateLimit
from gptdesk.ui.widgets.layout.page_columns import PageColumns, SidePart
from gptdesk.ui.widgets.question import Question
from gptdesk.ui.window.commands.registry import Commands

_GROW_MS: Final = 60
"""Markdown that is laid out more often cannot be read."""

_OPENED_SCHEMES: Final = ("http", "https", "mailto")
_COMMANDS: Final = ("chat.send", "chat.stop", "chat.regenerate", "chat.continue", "chat.undo", "chat.redo")
_TRAINED: Final = "Write a message below, or begin with one of these."


class ChatView(QWidget):
    """The content of the page.

    Attributes:
        turns: the cards.
        composer: where messages are written.
        empty: shown while there are no turns.
        panel: settings of the chat.
        decoding: decoding settings.
        columns: turns and panels.
    """

    def __init__(
        self,
        services: Services,
        session: ChatSession,
        prompts: ChatPrompts,
        watch: PromptWatch,
        commands: Commands,
        messages: PageMessages,
    ) -> None:
        super().__init__()
        self._services, self._session, self._prompts, self._watch = services, session, prompts, watch
        self._commands, self._messages = commands, messages
        theme, settings = services.theme, services.settings
        self._size = settings.value.text_size
        pixels = scaled(self._size)
        self.turns = TurnList(theme, pixels, self._state, self._connect_card)
        self.composer = Composer(theme, commands, pixels)
        self.empty = EmptyState()
        self.panel = ChatPanel(theme, session, prompts, watch, services.inference)
        self.decoding = DecodingPanel(theme, settings)
        self._growing = RateLimit(self._grow, _GROW_MS, self)
        self._lay_out()
        self._connect()
        self._on_opened()
        self._show_model()

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.turns)
        main = QWidget()
        main.setProperty("zone", "surface")
        column = QVBoxLayout(main)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._stack, 1)
        column.addWidget(self.composer)
        side = QWidget()
        side.setProperty("zone", "surface")
        self._panels = QStackedWidget()
        tabs = QHBoxLayout()
        tabs.setContentsMargins(12, 10, 12, 0)
        tabs.setSpacing(4)
        group = QButtonGroup(self)
        self.tabs = []
        for place, (title, panel) in enumerate((("Chat", self.panel), ("Decoding", self.decoding))):
            button = QPushButton(title)
            button.setProperty("kind", "tab")
            button.setCheckable(True)
            button.setAccessibleName(f"{title} settings")
            button.clicked.connect(lambda _=False, place=place: self._panels.setCurrentIndex(place))
            group.addButton(button)
            tabs.addWidget(button)
            self._panels.addWidget(panel)
            self.tabs.append(button)
        tabs.addStretch(1)
        self.tabs[0].setChecked(True)
        rows = QVBoxLayout(side)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        rows.addLayout(tabs)
        rows.addWidget(self._panels, 1)
        right = SidePart(widget=side, share=0, least=WIDTH, most=WIDTH)
        self.columns = PageColumns(self._services.theme, main, right=right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.columns)

    def _connect(self) -> None:
        session = self._session
        session.opened.connect(self._on_opened)
        session.changed.connect(self._show)
        session.grown.connect(self._growing.request)
        session.activity_changed.connect(self._show)
        self._watch.changed.connect(self._show)
        self._prompts.changed.connect(self._show_model)
        self._services.settings.changed.connect(self._on_settings_changed)
        self._services.inference.state_changed.connect(self._show_model)
        self.composer.field.sent.connect(lambda: self._commands.run("chat.send"))
        self.composer.field.textChanged.connect(self._show_activity)
        self.composer.field.left.connect(lambda: self.turns.focus_card(len(session.turns) - 1))
        self.empty.chosen.connect(self._on_opening_chosen)
        self.decoding.refused.connect(self._messages.refuse)

    def _connect_card(self, card: TurnCard) -> None:
        session = self._session
        card.saved.connect(session.set_text)
        card.branched.connect(session.branch)
        card.regenerated.connect(session.regenerate)
        card.continued.connect(session.go_on)
        card.removed.connect(session.remove)
        card.changed.connect(session.set_turn)
        card.walked.connect(session.walk)
        card.moved.connect(self._move_focus)
        card.link_clicked.connect(self._ask_to_open)

    def send(self) -> None:
        """Sends what is written; with nothing written, asks for a reply to the last message."""
        text, role = self.composer.field.toPlainText().strip("\n"), self.composer.speaker
        self.turns.show_end()
        if text.strip():
            if self._session.say(role, text, reply=role == "user"):
                self.composer.clear()
        elif self._session.turns:
            self._session.regenerate(len(self._session.turns) - 1)
        else:
            self._session.say("assistant", "", reply=True)
        self.composer.field.setFocus()

    def why_not_send(self) -> str | None:
        """Why nothing can be sent."""
        if self._session.busy:
            return "A reply is being written."
        if self.composer.field.toPlainText().strip() or not self._session.turns:
            return None
        last = self._session.turns[-1].turn
        return None if last.role == "user" or not last.text else "Write a message first."

    @Slot()
    def _on_opened(self) -> None:
        self.turns.start(len(self._session.turns))
        self._show()

    @Slot()
    def _show(self) -> None:
        count = len(self._session.turns)
        self._stack.setCurrentWidget(self.turns if count else self.empty)
        self.turns.show_turns(count)
        origin = self._session.document.last_origin()
        self.decoding.seed.show_used(origin.seed if origin else None)
        self._show_activity()

    @Slot()
    def _show_activity(self) -> None:
        self._commands.refresh(*_COMMANDS)
        self.composer.stop.setVisible(self._session.busy)

    @Slot()
    def _grow(self) -> None:
        if self._session.turns:
            self.turns.grow(self._session.turns[-1].turn)

    @Slot()
    def _show_model(self) -> None:
        info = self._services.inference.info
        self.decoding.show_vocabulary(info.tokenizer if info is not None else None)
        name = model_title(self._services.settings.value.model) if info is not None else ""
        untrained = self._prompts.known and not self._prompts.of_model
        self.empty.show_model(name, f"{UNTRAINED} {_TRAINED}" if untrained else _TRAINED)
        self._show_activity()

    @Slot()
    def _on_settings_changed(self) -> None:
        if self._size != self._services.settings.value.text_size:
            self._size = self._services.settings.value.text_size
            self.turns.set_text_size(scaled(self._size))
            self.composer.field.set_text_size(scaled(self._size))

    @Slot(str)
    def _on_opening_chosen(self, text: str) -> None:
        self._session.say("user" if text else "assistant", text, reply=True)
        self.composer.field.setFocus()

    @Slot(int, int)
    def _move_focus(self, index: int, step: int) -> None:
        if not self.turns.focus_card(index + step) and step > 0:
            self.composer.field.setFocus()

    def _state(self, index: int) -> TurnState:
        turns = self._session.turns
        fork = self._session.fork(index)
        prompt = self._watch.prompt
        return TurnState(
            index,
            turns[index].turn,
            0 if fork is None or fork.shown is None else fork.shown + 1,
            0 if fork is None else len(fork.branches),
            prompt is not None and index in prompt.left_out,
            self._session.writing == index,
            index == len(turns) - 1,
        )

    @Slot(object)
    def _ask_to_open(self, url: QUrl) -> None:
        """Links come from a model: the person sees where one leads, and decides."""
        if url.scheme().lower() not in _OPENED_SCHEMES:
            self._messages.refuse(f"This link cannot be opened: {url.toDisplayString()}")
            return
        Question(
            "Open this link?",
            f"{url.toDisplayString()}\n\nIt will be opened in your browser. A model wrote it, or it comes from a file.",
            [("Open", lambda: QDesktopServices.openUrl(url))],
            parent=self.window(),
        ).open()
