"""The Playground page: documents and their completion by the model in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import Slot

from gptdesk.store.export.json_reader import is_document_file
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser, ask_for_model_folder
from gptdesk.ui.playground.commands.branch_commands import branch_commands
from gptdesk.ui.playground.commands.branch_pane_commands import branch_pane_commands
from gptdesk.ui.playground.commands.chat_command import chat_command
from gptdesk.ui.playground.commands.completion_commands import SHOWN, completion_commands
from gptdesk.ui.playground.commands.decoding_commands import decoding_commands
from gptdesk.ui.playground.commands.document_commands import document_commands
from gptdesk.ui.playground.commands.find_commands import find_commands
from gptdesk.ui.playground.commands.inspect_commands import inspect_commands
from gptdesk.ui.playground.commands.model_change_commands import model_change_commands
from gptdesk.ui.playground.commands.model_commands import model_commands
from gptdesk.ui.playground.commands.replay_commands import replay_commands
from gptdesk.ui.playground.commands.special_token_commands import special_token_commands
from gptdesk.ui.playground.commands.text_commands import text_commands
from gptdesk.ui.playground.commands.token_commands import token_commands
from gptdesk.ui.playground.commands.tour_commands import tour_commands
from gptdesk.ui.playground.completions.completions import Completions
from gptdesk.ui.playground.documents.documents import Documents
from gptdesk.ui.playground.documents.files import TEXT_SUFFIXES, DocumentFiles
from gptdesk.ui.playground.generation_messages import GenerationMessages
from gptdesk.ui.playground.read_ahead import ReadAhead
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.special_tokens import SpecialTokens
from gptdesk.ui.playground.status_bar import StatusBar
from gptdesk.ui.playground.top_bar import DocumentButton, TopBar
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.checkpoint_follower import CheckpointFollower
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.entries import ViewAccess
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.document_claim import DocumentClaim
from gptdesk.ui.window.pages import BasePage, PageView, Window


class PlaygroundPage(BasePage):
    """The page. Its session and documents work before the view is made.

    Attributes:
        view: ``None`` until it is made.
        session: the open document and its generations.
        special: special tokens of the model in use and of the open document.
        documents: all documents.
        files: opens and saves files.
        claim: hands the document over to the Chat page and back.
        completions: several, side by side.
        follower: loads each newest checkpoint of a run.
        read_ahead: has the text read while the person pauses.
        messages: banners about generations and the model.
    """

    id: ClassVar[str] = "play"
    title: ClassVar[str] = "Playground"
    icon: ClassVar[str] = "playground"

    def __init__(self, services: Services, window: Window) -> None:
        super().__init__(services, window)
        parent, links = window.widget, window.links
        self.view: PlaygroundView | None = None
        self.session = Session(services.inference, services.storage, services.settings, self)
        self.special = SpecialTokens(services.inference, self.session, services.messages, self.id, self)
        self.files = DocumentFiles(self.session, services.settings, services.messages, parent, self.id)
        self.documents = Documents(
            services.storage,
            self.session,
            services.settings,
            services.messages,
            parent,
            self.id,
            lambda: self.files.folder,
        )
        self.documents.open_last()
        self.completions = Completions(self.session, services.inference, services.settings, services.messages, self)
        self.follower = CheckpointFollower(services, self)
        self.read_ahead = ReadAhead(services.inference, services.settings, self)
        self.messages = GenerationMessages(
            services,
            self.session,
            self.id,
            use_model=lambda model: services.activation.use(model, parent),
            open_folder=self._ask_for_model_folder,
            parent=self,
        )
        self.claim = DocumentClaim(links, self.id, self.session, services.storage, self)
        links.model_pages.add(self.id)
        links.current_text = lambda: self.session.document.mixed.spelled
        links.document_wanted.connect(self.documents.open)
        links.model_wanted.connect(self._use_model)
        links.inspection_wanted.connect(self._inspect_model)
        links.follow_wanted.connect(self._follow_run)
        links.unfollow_wanted.connect(self.follower.stop)
        self.documents.wanted.connect(self.show)
        self.files.wanted.connect(self.show)
        services.activation.chosen.connect(self._on_model_chosen)
        services.inference.state_changed.connect(self._on_model_changed)
        self.session.refused.connect(lambda sentence: services.messages.refuse(sentence, self.id))
        self.session.model_change.dropped.connect(self._on_change_dropped)
        self.completions.changed.connect(self._on_completions_changed)
        self.session.opened.connect(services.counter.forget)
        self.session.opened.connect(self._on_document_changed)
        self.session.changed.connect(self._on_document_changed)
        self._on_document_changed()

    def make_view(self) -> PageView:
        services, window = self.services, self.window
        messages = PageMessages(services.messages, self.id, of_document=True)
        chooser = ModelChooser(services, window.commands, "inference.stop_following")
        chooser.models_wanted.connect(window.links.models_wanted)
        device = DeviceButton(services.settings, services.inference)
        title = DocumentButton(self.documents, self.session, window.commands)
        top_bar = TopBar(
            services.theme,
            services.inference,
            chooser,
            device,
            title,
            window.commands.action("document.new"),
            window.commands.action("document.pane"),
            window.menu,
            window.top_bars,
        )
        view = self.view = PlaygroundView(
            services,
            messages,
            self.session,
            self.special,
            self.read_ahead,
            window.commands,
            self.documents,
            self.completions,
            window.contents,
        )
        view.place.changed.connect(self._count)
        services.counter.counted.connect(view.context_line.show_counts)
        view.zoomed.connect(services.settings.zoom)
        view.files_given.connect(self.files.open_files)
        view.tour_card.models_wanted.connect(window.links.models_wanted)
        status = StatusBar(services.theme, services.inference, window.commands)
        services.counter.counted.connect(status.show_counts)
        services.settings.changed.connect(
            lambda: window.commands.refresh("document.pane", "branches.show", "inspect.show")
        )
        view.columns.arranged.connect(lambda: window.commands.refresh("document.pane", "branches.show"))
        self.session.opened.connect(lambda: status.show_counts(None))
        self.session.activity_changed.connect(lambda: status.show_result(self.session.done))
        status.show_result(self.session.done)
        return PageView(
            content=view,
            top_bar=top_bar,
            status_bar=status,
            regions=(
                view.documents,
                view.branches.slot,
                view.tour_card,
                view.editor,
                view.completions,
                view.inspect.slot,
                view.token_view.strip,
                view.bar,
                view.panel,
                view.tokens.block,
            ),
            focus=lambda: (view.completions if self.completions.all else view.editor).setFocus(),
            message_area=view.editor,
            messages_at_top=True,
            give_way=view.editor.give_way,
            buttons=(view.bar.frame, view.find_replace.bar),
            fold=view.columns.fold,
            columns=view.columns,
        )

    def commands(self) -> Sequence[Command]:
        settings = self.services.settings
        page = ViewAccess(self._shown_view, lambda: self.view)
        return [
            *branch_commands(page),
            *text_commands(
                self.session,
                self.services.inference,
                settings,
                page,
                self.completions,
            ),
            *completion_commands(self.completions, self.session, self._shown_view),
            *token_commands(settings, self._shown_view),
            *branch_pane_commands(settings, page),
            *inspect_commands(settings, self._shown_view),
            *find_commands(self._shown_view),
            *special_token_commands(self.special, self._shown_view),
            *document_commands(self.documents, self.files, settings, page),
            *replay_commands(self.services, self.session, self._shown_view),
            *model_change_commands(self.session, self._shown_view),
            chat_command(self.session, self.window.links),
            *model_commands(self.services.inference, settings, self._ask_for_model_folder),
            *decoding_commands(settings, self._shown_view),
            *tour_commands(self._shown_view),
        ]

    def set_shown(self, shown: bool) -> None:
        self.claim.set_shown(shown)
        if shown:
            self.services.inference.wake()

    def accepts(self, path: Path) -> bool:
        return path.is_file() and (path.suffix.lower() in TEXT_SUFFIXES or is_document_file(path))

    def open_files(self, paths: Sequence[Path]) -> None:
        self.files.open_files(paths)

    def close(self) -> None:
        if self.view is not None:
            self.view.tokens.block.stop()
            self.view.suggestions.stop()
        self.session.close()
        self.read_ahead.close()
        self.files.close()

    def _ask_for_model_folder(self) -> None:
        ask_for_model_folder(self.services.activation, self.window.widget)

    def _shown_view(self) -> PlaygroundView | None:
        self.ensure_shown()
        return self.view

    @Slot()
    def _on_model_chosen(self) -> None:
        if self.window.current_page not in self.window.links.model_pages:
            self.show()

    @Slot(str)
    def _use_model(self, model: str) -> None:
        """A checkpoint is not listed among recent models, because its run may delete it."""
        self.services.settings.update(model=model)
        self.show()

    @Slot(str)
    def _inspect_model(self, model: str) -> None:
        self._use_model(model)
        if self.view is not None:
            self.view.inspect.open().focus_view()

    @Slot(object)
    def _follow_run(self, folder: Path) -> None:
        if self.window.links.document_page in ("", self.id):  # else the page where one was follows it
            self.follower.follow(folder)
            self.show()

    @Slot()
    def _on_model_changed(self) -> None:
        if (info := self.services.inference.info) is not None:
            self.services.counter.use(info.tokenizer, info.context)

    @Slot(str)
    def _on_change_dropped(self, name: str) -> None:
        sentence = f"The model that is in use now has another shape, so it is whole: “{name}” held for the former one."
        self.services.messages.toast(sentence, kind="info")

    @Slot()
    def _on_completions_changed(self) -> None:
        self.window.commands.set_part(self.id, SHOWN if self.completions.all else "")

    @Slot()
    def _on_document_changed(self) -> None:
        document = self.session.document
        self.window.set_title(self.id, document.title)
        self.read_ahead.show(document.mixed)
        self._count()

    @Slot()
    def _count(self) -> None:
        """Counts the tokens, and finds what the model reads where Generate would write."""
        document = self.session.document
        prompt_end = document.last_generation()
        place = self.view.place.start if self.view is not None else None
        self.services.counter.count(document.mixed, len(document.text) if prompt_end is None else prompt_end, place)
