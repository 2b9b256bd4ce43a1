"""The Chat page: conversations with the model in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Slot

from gptdesk.ui.chat.chats import Chats
from gptdesk.ui.chat.commands import chat_commands
from gptdesk.ui.chat.files import ChatFiles
from gptdesk.ui.chat.prompt_watch import PromptWatch
from gptdesk.ui.chat.prompts import ChatPrompts
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.services.inference_messages import Failure, State
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.entries import ViewAccess
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.document_claim import DocumentClaim
from gptdesk.ui.window.pages import BasePage, PageView, Window

if TYPE_CHECKING:
    from gptdesk.ui.chat.view import ChatView

_REPLY, _NOTICE, _MODEL = "chat reply", "chat notice", "chat model"
"""Topics of messages."""


class ChatPage(BasePage):
    """The page. Its session works before the view is made.

    Attributes:
        view: ``None`` until it is made.
        model: of the page; the Playground's, until another one is chosen here.
        prompts: templates, and prompts made with them.
        session: the open chat.
        watch: the prompt of the open chat.
        chats: all chats.
        files: exports and imports.
        claim: hands the document over to the Playground and back.
    """

    id: ClassVar[str] = "chat"
    title: ClassVar[str] = "Chat"
    icon: ClassVar[str] = "chat"

    def __init__(self, services: Services, window: Window) -> None:
        super().__init__(services, window)
        self.model = services.own_model(self)
        services = self.services = self.model.services
        self.view: ChatView | None = None
        self._messages = PageMessages(services.messages, self.id)
        self.prompts = ChatPrompts(services.inference, self)
        self.session = ChatSession(services.inference, services.storage, services.settings, self.prompts, self)
        self.watch = PromptWatch(self.session, self.prompts, services.settings, self)
        self.chats = Chats(services.storage, self.session, services.settings, self._messages, window.widget)
        self.files = ChatFiles(self.session, self.chats, services.settings, self._messages, window.widget)
        self.chats.open_last()
        links = window.links
        self.claim = DocumentClaim(links, self.id, self.session, services.storage, self)
        links.model_pages.add(self.id)
        links.chat_wanted.connect(self.chats.open)
        links.chat_model_wanted.connect(self._use_model)
        links.follow_wanted.connect(self._follow_run)
        links.unfollow_wanted.connect(self.model.stop_following)
        self.chats.wanted.connect(self.show)
        self.session.refused.connect(self._messages.refuse)
        self.session.failed.connect(self._on_failed)
        services.loader.failed.connect(self._on_load_failed)
        services.inference.state_changed.connect(self._on_model_state)
        self.session.notice.connect(lambda text: services.messages.show(text, kind="info", topic=_NOTICE, page=self.id))
        self.session.activity_changed.connect(self._on_activity)
        self.session.opened.connect(self._show_title)
        self.session.changed.connect(self._show_title)

    def make_view(self) -> PageView:
        from gptdesk.ui.chat.bars import ChatButton, ChatStatus, ChatTopBar
        from gptdesk.ui.chat.view import ChatView
        from gptdesk.ui.model_chooser import DeviceButton, ModelChooser

        services, window = self.services, self.window
        view = self.view = ChatView(services, self.session, self.prompts, self.watch, window.commands, self._messages)
        chooser = ModelChooser(services, window.commands, "chat.stop_following")
        chooser.models_wanted.connect(window.links.models_wanted)
        device = DeviceButton(services.settings, services.inference)
        title = ChatButton(self.chats, self.session, window.commands)
        return PageView(
            content=view,
            top_bar=ChatTopBar(services.theme, chooser, device, title, window.commands, window.menu),
            status_bar=ChatStatus(services.theme, services.inference, self.session, self.watch),
            regions=(view.turns, view.composer, view.panel, view.decoding),
            focus=view.composer.field.setFocus,
            message_area=view.turns.parentWidget(),
            messages_at_top=True,
            buttons=(view.composer,),
            fold=view.columns.fold,
            columns=view.columns,
        )

    def commands(self) -> Sequence[Command]:
        return chat_commands(
            self.session,
            self.chats,
            self.files,
            self.services.settings,
            ViewAccess(self._shown_view, lambda: self.view),
            self._open_in_playground,
            lambda: self.watch.prompt.mixed if self.watch.prompt is not None else None,
            lambda prompt: self.window.links.comparison_wanted.emit([self.services.settings.value.model], prompt),
        )

    def set_shown(self, shown: bool) -> None:
        self.claim.set_shown(shown)
        if shown:
            self.model.show()

    def close(self) -> None:
        self.session.close()
        self.files.close()
        self.prompts.close()
        self.model.close()

    def _shown_view(self) -> ChatView | None:
        self.ensure_shown()
        return self.view

    def _open_in_playground(self) -> None:
        self.session.flush()
        self.window.links.document_wanted.emit(self.session.document.id)

    @Slot(str)
    def _use_model(self, model: str) -> None:
        """A checkpoint is not listed among recent models, because its run may delete it.

        The chat goes on with the template that the checkpoint brings.
        """
        self.model.use(model)
        self.session.set_template("")
        self.show()

    @Slot(object)
    def _follow_run(self, folder: Path) -> None:
        if self.window.links.document_page == self.id:  # else another page follows it
            self.model.follow(folder)
            self.show()

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        offers = []
        if self.services.inference.state is State.EMPTY:
            offers.append(("Models", self.window.links.models_wanted.emit))
        self.services.messages.show(failure.sentence, topic=_REPLY, page=self.id, offers=offers)
        if failure.traceback:
            self.services.messages.crash(failure.traceback)

    @Slot(object)
    def _on_load_failed(self, failure: Failure) -> None:
        """A model of the page's own cannot be loaded; about that of the Playground, the Playground tells."""
        model, messages = self.services.settings.value.chat_model, self.services.messages
        if not model:
            return
        offers = [("Try again", self.services.loader.load), ("Use the Playground's model", self.model.share)]
        sentence = failure.sentence or f"Loading {model} was cancelled. No model is loaded."
        messages.show(sentence, topic=_MODEL, page=self.id, offers=offers)
        if failure.traceback:
            messages.crash(failure.traceback)

    @Slot()
    def _on_model_state(self) -> None:
        if self.services.inference.state is State.LOADING:
            self.services.messages.solve(_MODEL)

    @Slot()
    def _on_activity(self) -> None:
        if self.session.busy:
            self.services.messages.solve(_REPLY, _NOTICE)

    @Slot()
    def _show_title(self) -> None:
        self.window.set_title(self.id, self.session.document.title if self.session.turns else "")
