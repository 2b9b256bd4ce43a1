"""View of the Playground: list of documents, editor, decoding panel and action bar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.ui.decoding.panel import WIDTH, DecodingPanel
from gptdesk.ui.file_formats import with_suffix
from gptdesk.ui.file_names import file_name
from gptdesk.ui.fonts import scaled, use_reading_face
from gptdesk.ui.playground.action_bar import ActionBar
from gptdesk.ui.playground.branches.opening import BranchTools
from gptdesk.ui.playground.completions.completions import Completions
from gptdesk.ui.playground.completions.panel import CompletionsPanel
from gptdesk.ui.playground.continuations.opening import ContinuationDialogs
from gptdesk.ui.playground.documents.documents import Documents
from gptdesk.ui.playground.editing.context_line import ContextLine
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.reading_place import reading_place, show_reading_place
from gptdesk.ui.playground.editing.special_menu import SpecialTokenMenu
from gptdesk.ui.playground.editing.token_arrival import TokenArrival
from gptdesk.ui.playground.empty_state import EmptyState
from gptdesk.ui.playground.find.find_in_text import FindInText
from gptdesk.ui.playground.generation_place import GenerationPlace
from gptdesk.ui.playground.inspect.opening import InspectTools
from gptdesk.ui.playground.intervention.chip import ChangedModelChip
from gptdesk.ui.playground.read_ahead import ReadAhead
from gptdesk.ui.playground.regeneration import Regeneration
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.special_tokens import SpecialTokens
from gptdesk.ui.playground.suggestions.suggestions import Suggestions
from gptdesk.ui.playground.token_card.opening import TokenCards
from gptdesk.ui.playground.tokens.export import FORMATS, filters
from gptdesk.ui.playground.tokens.token_view import TokenView
from gptdesk.ui.playground.tours.card import TourCard
from gptdesk.ui.playground.tours.opening import open_step
from gptdesk.ui.playground.tours.table import TOURS
from gptdesk.ui.playground.tours.tours import Tours
from gptdesk.ui.playground.walking.branch_switch import BranchSwitch
from gptdesk.ui.playground.walking.branch_walk import BranchWalk
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.file_drops import FileDrops
from gptdesk.ui.widgets.layout.page_columns import PageColumns, SidePart
from gptdesk.ui.widgets.layout.pane_slot import PaneSlot
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.commands.shortcuts import shown

if TYPE_CHECKING:
    from gptdesk.ui.playground.documents.pane import DocumentPane

_DOCUMENTS_WIDTH: Final = 248
"""Usual width of the list of documents, in pixels at a font of 13 pixels."""

_LEAST_TEXT: Final = 340
"""Width of the text below which documents and branches are not both shown, in pixels at a font of 13 pixels."""

_COMMANDS: Final = ("text.generate", "text.stop", "text.regenerate", "text.undo", "text.redo")
"""Commands shown as buttons, declared in `text_commands`."""

_SPECIAL: Final = ("text.special_from_names", "text.special_to_text")
"""Commands in the menu of special tokens, declared in `special_token_commands`."""

_KEYS = QKeySequence.StandardKey


class PlaygroundView(QWidget):
    """The content of the Playground page.

    Attributes:
        session: the open document and its generation.
        completions: panel of several completions.
        special_menu: inserts special tokens.
        place: where Generate writes.
        context_line: shows where the model's context begins.
        arrival: colours tokens that arrive.
        suggestions: the next words, shown while the person pauses.
        token_view: colours the tokens of the text.
        walk: goes from branch to branch.
        documents: the list of documents, on the left.
        branches: the tree of branches, between that and the text.
        inspect: what the layers of the model make of the text, under it.
        changed_model: says what is changed in the model, if it is not whole.
        continuations: dialogs about what may follow the caret.
        tours: runs guided tours, whose card is above the text.
        find_replace: find and replace in the text.

    Signals:
        zoomed(int): emitted to make the text larger (1) or smaller (-1).
        files_given(object): emitted with the paths of files that were dropped or pasted.
    """

    files_given = Signal(object)
    zoomed = Signal(int)

    def __init__(
        self,
        services: Services,
        messages: PageMessages,
        session: Session,
        special: SpecialTokens,
        read_ahead: ReadAhead,
        commands: Commands,
        documents: Documents,
        completions: Completions,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.session, self._messages, self._special = session, messages, special
        self._theme, self._settings = theme, settings = services.theme, services.settings
        self._inference, self._commands, self._program = services.inference, commands, services.program
        self._font = settings.value.text_size, settings.value.reading_face
        use_reading_face(settings.value.reading_face)
        self.editor = Editor(theme, scaled(settings.value.text_size))
        self.empty = EmptyState(scaled(settings.value.text_size), self.editor)
        self.regeneration = Regeneration(session, settings, services.messages, self)
        self.context_line = ContextLine(self.editor, theme)
        session.opened.connect(self.context_line.hide)
        self.arrival = TokenArrival(self.editor, theme)
        session.opened.connect(self.arrival.clear)
        session.jumped.connect(self.arrival.clear)
        self.suggestions = Suggestions(services, session, self.editor)
        self.place = GenerationPlace(self.editor, session, services.messages)
        self.generate, self.stop, self.regenerate, self.undo, self.redo = map(commands.action, _COMMANDS)
        self.editor.undo_actions = (self.undo, self.redo)
        self.editor.is_command_key = commands.wants_key
        self.special_menu = SpecialTokenMenu(self.editor, special, [commands.action(id) for id in _SPECIAL])
        self.tokens = TokenCards(services, messages, session, self.editor)
        self.completions = CompletionsPanel(theme, completions, session, self.editor, self.place, commands)
        self.walk = BranchWalk(session, self.editor)
        self.bar = ActionBar(theme, services.inference, settings, commands, BranchSwitch(theme, commands, self.walk))
        self.token_view = TokenView(services, session, self.editor, read_ahead, commands, self)
        self._storage, self._documents = services.storage, documents
        self.documents = PaneSlot(self._make_documents)
        self.branches = BranchTools(services, messages, session, commands, self.editor)
        self.inspect = InspectTools(services, session, self.editor)
        self.changed_model = ChangedModelChip(theme, session.model_change, commands)
        self.continuations = ContinuationDialogs(services, session, self.editor, self)
        self.tours = Tours(session, lambda step: open_step(self, step, settings, commands), self)
        self.tour_card = TourCard(services, self.tours)
        self.tour_card.left.connect(self.editor.setFocus)
        self.find_replace = FindInText(theme, self.editor, session, services.messages)
        self.drops = FileDrops(self)
        self._lay_out()
        self._connect()
        self._on_settings_changed()
        self._show_known()
        self._show_vocabulary()
        self._on_opened()

    def _lay_out(self) -> None:
        """Puts the parts into containers that are in their places already: a widget that moves is styled anew."""
        text, side = QWidget(), QWidget()
        text.setFocusProxy(self.editor)
        side.setProperty("zone", "surface")
        panel = SidePart(widget=side, share=0, least=WIDTH, most=WIDTH)
        documents = SidePart(widget=self.documents, share=0, least=_DOCUMENTS_WIDTH, most=_DOCUMENTS_WIDTH)
        inner = self.branches.side
        self.columns = PageColumns(self._theme, text, left=documents, right=panel, inner=inner, least=_LEAST_TEXT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.columns)
        column = QVBoxLayout(text)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tour_card)
        column.addWidget(self.editor, 10)
        column.addWidget(self.completions, 16)
        column.addWidget(self.inspect.slot, 12)
        column.addWidget(self.token_view.strip)
        column.addWidget(self.changed_model)
        column.addWidget(self.bar)
        rows = QVBoxLayout(side)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        self.panel = DecodingPanel(self._theme, self._settings, side)
        rows.addWidget(self.panel, 1)
        rows.addWidget(self.tokens.block)

    def _connect(self) -> None:
        self.editor.edited.connect(self.session.edit)
        self.editor.touched.connect(self.session.interrupt)
        self.editor.undo_wanted.connect(lambda: self._commands.run_by_standard_key("text.undo", _KEYS.Undo))
        self.editor.redo_wanted.connect(lambda: self._commands.run_by_standard_key("text.redo", _KEYS.Redo))
        self.editor.zoomed.connect(self.zoomed)
        self.editor.files_given.connect(self.files_given)
        self.branches.wanted.connect(lambda: self.columns.prefer(self.branches.slot))
        self.drops.dropped.connect(self.files_given)
        self.editor.column_moved.connect(self._place_at_column)
        self.empty.chosen.connect(self._on_beginning_chosen)
        self.empty.offer_tours([self._commands.action(f"tour.{tour.id}") for tour in TOURS])
        self.panel.refused.connect(self._messages.refuse)
        self.tokens.block.explained.connect(self.panel.show_effects)
        self._inference.state_changed.connect(self._show_vocabulary)
        self.session.leaving.connect(self._on_leaving)
        self.session.opened.connect(self._on_opened)
        self.session.changed.connect(self._show)
        self.session.activity_changed.connect(self._show_activity)
        self.session.begun.connect(self._on_begun)
        self.session.jumped.connect(self.editor.show_place)
        self.place.changed.connect(self._show_activity)
        self._special.changed.connect(self._show_known)
        self._settings.changed.connect(self._on_settings_changed)
        self._commands.shortcuts_changed.connect(self._show_key)
        self._show_key()

    def _make_documents(self) -> DocumentPane:
        from gptdesk.ui.playground.documents.pane import DocumentPane

        settings, messages, commands = self._settings, self._messages, self._commands
        pane = DocumentPane(self._theme, self._documents, self.session, self._storage, settings, messages, commands)
        pane.left.connect(self.editor.setFocus)
        return pane

    def show_documents(self, shown: bool) -> None:
        """Shows or hides the list of documents."""
        if shown:
            self.columns.prefer(self.documents)
        self._settings.update(documents_shown=shown)

    def search_documents(self) -> None:
        """Shows the list of documents and focuses its search field; hides the list if that has the focus."""
        focused = self.documents.isVisible() and self.documents.pane.field.hasFocus()
        self.show_documents(not focused)
        if focused:
            self.editor.setFocus()
        else:
            self.documents.pane.focus_search()

    def show_trash(self) -> None:
        """Shows the documents in the trash."""
        self.show_documents(True)
        self.documents.pane.show_trash(True)
        self.documents.pane.focus_search()

    @Slot()
    def _on_opened(self) -> None:
        self._show()
        self.editor.show_end()
        self.editor.setFocus()
        if self._documents.place is not None:
            QTimer.singleShot(0, self, self._show_reading_place)  # once the text has its width

    @Slot()
    def _show_reading_place(self) -> None:
        place = self._documents.place
        if place is not None:
            show_reading_place(self.editor, place)

    @Slot()
    def _on_leaving(self) -> None:
        self._documents.keep_place(reading_place(self.editor))

    @Slot()
    def _show(self) -> None:
        document = self.session.document
        self.editor.show_document(document.mixed, document.generated_spans(), document.last_generation())
        self.empty.setVisible(not document.text)
        origin = document.last_origin()
        self.panel.seed.show_used(origin.seed if origin else None)
        self._show_activity()

    @Slot()
    def _show_vocabulary(self) -> None:
        self.panel.show_vocabulary(info.tokenizer if (info := self._inference.info) else None)

    @Slot()
    def _show_known(self) -> None:
        self.editor.show_known(self._special.known)

    def selected_part(self) -> tuple[int, int]:
        """Start and end of the selection, or of all of the text."""
        start, end = self.editor.selection
        return (start, end) if start < end else (0, len(self.session.document.text))

    def export_tokens(self) -> None:
        """Asks for a file, and writes the tokens of the text to it."""
        place = Path(self._settings.value.folder or Path.home(), f"{file_name(self.session.document.title)}.csv")
        found, chosen = QFileDialog.getSaveFileName(self, "Export tokens", str(place), filters())
        if not found:
            return
        path = with_suffix(FORMATS, Path(found), chosen or FORMATS[0].filter, suggested=place.suffix)
        try:
            self.token_view.export(path)
        except UserError as error:
            self._messages.refuse(str(error))
        else:
            self._messages.succeed(f"Exported to {path}.")

    @Slot()
    def _show_activity(self) -> None:
        self._commands.refresh(*_COMMANDS)

    @Slot()
    def _show_key(self) -> None:
        self.empty.show_key(next(iter(shown(self._commands.keys("text.generate"))), ""))

    def start_generation(self, start: int | None) -> None:
        """Continues the text from this character on; scrolls to its end, if that is where."""
        if start is None:
            self.editor.show_end()
        self.session.generate(start)

    def next_token(self) -> None:
        """Takes the next word of the suggestion that is shown, or continues the text by one token."""
        if not self.suggestions.take_word():
            self.session.next_token()

    @Slot()
    def _on_begun(self) -> None:
        self.editor.show_end()
        generation, value = self.session.generation, self._settings.value
        if generation is not None and value.fade_tokens and not (value.token_view or self._program.reduced_motion):
            self.arrival.follow(generation.handle.tokens, len(self.session.document.text))

    @Slot(str)
    def _on_beginning_chosen(self, text: str) -> None:
        self.session.edit(0, len(self.session.document.text), text)
        self.editor.show_end()
        self.editor.setFocus()

    @Slot()
    def _on_settings_changed(self) -> None:
        self.columns.show_side(self.documents, self._settings.value.documents_shown)
        self.columns.show_side(self.branches.slot, self._settings.value.branches_shown)
        self.editor.show_marks(self._settings.value.marks)
        value = self._settings.value
        if (value.text_size, value.reading_face) != self._font:
            self._font = value.text_size, value.reading_face
            use_reading_face(value.reading_face)
            self.empty.set_text_size(scaled(value.text_size))
            self.editor.set_text_size(scaled(value.text_size))

    @Slot()
    def _place_at_column(self) -> None:
        """Aligns the empty state, the action bar and what else is around the text with its column."""
        column = self.editor.column()
        for part in (self.bar, self.token_view.strip, self.changed_model, self.tour_card):
            part.set_column(column.left(), column.width())
        height = self.empty.heightForWidth(column.width())
        self.empty.setGeometry(column.left(), self.editor.letters_top(), column.width(), height)
