"""The Playground: a text, the panel beside it, the buttons under it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gptdesk.store.document import Document
from gptdesk.ui.inference import Inference
from gptdesk.ui.jobs import State
from gptdesk.ui.playground.action_bar import ActionBar
from gptdesk.ui.playground.decoding_panel import DecodingPanel
from gptdesk.ui.playground.editor import Editor
from gptdesk.ui.playground.empty_state import EmptyState
from gptdesk.ui.playground.session import Session
from gptdesk.ui.settings_service import SettingsService
from gptdesk.ui.theme import Theme


class PlaygroundPage(QWidget):
    """The page.

    Attributes:
        session: the document and what goes on with it.

    Signals:
        refused(str): something that the person gave cannot be used; the sentence says why.
        zoomed(int): text larger (1) or smaller (-1).
    """

    refused = Signal(str)
    zoomed = Signal(int)

    def __init__(
        self,
        theme: Theme,
        settings: SettingsService,
        inference: Inference,
        session: Session,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.session = session
        self._inference, self._settings = inference, settings
        self.editor = Editor(theme, settings.value.text_size)
        self.empty = EmptyState(settings.value.text_size, self.editor)
        self.panel = DecodingPanel(theme, settings)
        self._make_actions()
        self.bar = ActionBar(
            theme, generate=self.generate, stop=self.stop, regenerate=self.regenerate, undo=self.undo, redo=self.redo
        )
        self._lay_out()
        self._connect()
        self._on_opened()

    def _make_actions(self) -> None:
        def action(text: str, tip: str, slot: object, *shortcuts: str | QKeySequence.StandardKey) -> QAction:
            made = QAction(text, self)
            made.setToolTip(tip)
            made.setShortcuts([QKeySequence(shortcut) for shortcut in shortcuts])
            made.triggered.connect(slot)
            self.addAction(made)
            return made

        session = self.session
        self.generate = action("Generate", "Go on with the text", self._on_generate, "Ctrl+Return", "Ctrl+Enter")
        self.stop = action("Stop", "Stop writing", session.stop, "Esc")
        self.regenerate = action(
            "Regenerate",
            "Write the last generated part anew",
            self._on_regenerate,
            "Ctrl+Shift+Return",
            "Ctrl+Shift+Enter",
        )
        self.undo = action("Undo generation", "Take the last generation back", session.undo_generation, "Ctrl+Alt+Z")
        self.redo = action(
            "Redo generation", "Bring the generation back that was undone", session.redo_generation, "Ctrl+Alt+Shift+Z"
        )

    def _lay_out(self) -> None:
        text = QVBoxLayout()
        text.setSpacing(0)
        text.addWidget(self.editor, 1)
        text.addWidget(self.bar)
        line = QFrame()
        line.setProperty("line", "vertical")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(text, 1)
        layout.addWidget(line)
        layout.addWidget(self.panel)

    def _connect(self) -> None:
        self.editor.edited.connect(self.session.edit)
        self.editor.touched.connect(self.session.interrupt)
        self.editor.undo_wanted.connect(self.session.undo)
        self.editor.redo_wanted.connect(self.session.redo)
        self.editor.zoomed.connect(self.zoomed)
        self.editor.column_moved.connect(self._place_offer)
        self.empty.chosen.connect(self._on_beginning_chosen)
        self.panel.refused.connect(self.refused)
        self.session.opened.connect(self._on_opened)
        self.session.changed.connect(self._show)
        self.session.activity_changed.connect(self._show_activity)
        self._settings.changed.connect(self._on_settings_changed)

    @Slot()
    def _on_opened(self) -> None:
        self._show()
        self.editor.show_end()
        self.editor.setFocus()

    @Slot()
    def _show(self) -> None:
        document = self.session.document
        self.editor.show_document(document.text, document.generated_spans())
        self.empty.setVisible(not document.text)
        self._show_activity()

    @Slot()
    def _show_activity(self) -> None:
        history, busy = self.session.document.history, self.session.busy
        stopping = self._inference.state is State.STOPPING
        self.generate.setEnabled(not busy or stopping)
        self.stop.setEnabled(busy and not stopping)
        self.regenerate.setEnabled(not busy and self.session.document.last_generation() is not None)
        self.undo.setEnabled(not busy and history.can_undo_generation)
        self.redo.setEnabled(not busy and history.can_redo_generation)

    @Slot()
    def _on_generate(self) -> None:
        self.editor.show_end()
        self.session.generate()

    @Slot()
    def _on_regenerate(self) -> None:
        self.session.regenerate()
        self.editor.show_end()

    @Slot(str)
    def _on_beginning_chosen(self, text: str) -> None:
        self.session.edit(0, len(self.session.document.text), text)
        self.editor.show_end()
        self.editor.setFocus()

    @Slot()
    def _on_settings_changed(self) -> None:
        if self._settings.value.text_size != self.editor.text_size:
            self.empty.set_text_size(self._settings.value.text_size)
            self.editor.set_text_size(self._settings.value.text_size)

    def open_document(self, document: Document) -> None:
        """Lays another document before the person."""
        self.session.open(document)

    @Slot()
    def _place_offer(self) -> None:
        """The offer for an empty text takes the place of the text."""
        column = self.editor.column()
        self.empty.setGeometry(column.left(), column.top(), column.width(), self.empty.sizeHint().height())
