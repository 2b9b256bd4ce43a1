"""Drop zone for text, with buttons that choose files and options."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gptdesk.gpt2.chat_template import TEMPLATES
from gptdesk.training.data.preparations import READABLE_FORMATS, READABLE_SUFFIXES, PrepareOptions
from gptdesk.training.data.vocabulary import Vocabulary
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.widgets.tooltips import wrapped

FILTER: Final = f"Text ({' '.join(f'*{suffix}' for suffix in READABLE_SUFFIXES)});;All files (*)"
_COLUMN_HELP: Final = (
    "The key or column that holds it in JSON and tables; found automatically if there is one obvious choice."
)
_TEMPLATE_HELP: Final = (
    "How the turns of conversations and instructions are written in the text. It is kept with the data and with each "
    "checkpoint."
)
_PROMPTS_HELP: Final = "If off, only completions and the assistant's turns are learned."
_WIDTH: Final = 240
_NOTE: Final = f"{', '.join(READABLE_FORMATS)}; also compressed. Files stay where they are."
_ICON = 24


class DropZone(QFrame):
    """A frame that invites files and folders; the sheet takes what is dropped, wherever that is.

    Attributes:
        validation: files that the validation data is made of; none: a part of the rest.
        column: line with the name of the text in JSON and tables.
        template: box of the chat templates, whose data is a name.
        learn_prompts: box to check where prompts are learnt, too.

    Signals:
        picked(list): paths of chosen files and folders.
    """

    picked = Signal(list)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.validation: list[str] = []
        self.setObjectName("drop")
        self._icon = QLabel()
        title = QLabel("Drop text files or a folder here")
        title.setProperty("kind", "title")
        note = QLabel(_NOTE[:1].upper() + _NOTE[1:])
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        self.files, self.folder = QPushButton("Choose files…"), QPushButton("Choose folder…")
        self.options = QPushButton("Options")
        self.options.setProperty("kind", "muted")
        self.options.setCheckable(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(note)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self._icon)
        head.addLayout(words, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        choices = FlowLayout(spacing=8)  # one below the other in a narrow window
        choices.addWidget(self.files)
        choices.addWidget(self.folder)
        buttons.addLayout(choices, 1)
        buttons.addWidget(self.options, 0, Qt.AlignmentFlag.AlignTop)
        self._details = self._make_details()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 16, 16)
        layout.setSpacing(16)
        layout.addLayout(head)
        layout.addLayout(buttons)
        layout.addWidget(self._details)
        self.files.clicked.connect(self._choose_files)
        self.folder.clicked.connect(self._choose_folder)
        self.options.toggled.connect(self._details.setVisible)
        theme.changed.connect(self._show_icon)
        self._show_icon()

    def _make_details(self) -> QWidget:
        self.column = QLineEdit("text")
        self.column.setAccessibleName("Name of the text")
        self.template = ListBox()
        self.template.setAccessibleName("Chat template")
        for template in TEMPLATES.values():
            self.template.addItem(template.label, template.name)
        self.learn_prompts = CheckBox("Learn prompts too")
        self.learn_prompts.setToolTip(wrapped(_PROMPTS_HELP))
        self.held_out = QPushButton("Choose files…")
        self._held_out_names = QLabel("A part of the text")
        self._held_out_names.setProperty("kind", "muted")
        details = QWidget()
        grid = QGridLayout(details)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(2, 1)
        for row, (text, tip, widget) in enumerate(
            (
                ("Validation text", "Text for the validation loss; the model is not trained on it.", self.held_out),
                ("Name of the text", _COLUMN_HELP, self.column),
                ("Chat template", _TEMPLATE_HELP, self.template),
            )
        ):
            label = QLabel(text)
            label.setToolTip(wrapped(tip))
            label.setBuddy(widget)
            widget.setToolTip(wrapped(tip))
            widget.setFixedWidth(_WIDTH)
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
        grid.addWidget(self._held_out_names, 0, 2)
        grid.addWidget(self.learn_prompts, 2, 2)
        self.held_out.clicked.connect(self._choose_validation)
        details.hide()
        return details

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Text to train on", str(Path.home()), FILTER)
        if paths:
            self.picked.emit(paths)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of text to train on", str(Path.home()))
        if folder:
            self.picked.emit([folder])

    def _choose_validation(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Validation text", str(Path.home()), FILTER)
        self.validation = paths
        self._held_out_names.setText(", ".join(Path(path).name for path in paths) or "A part of the text")

    def options_for(self, sources: tuple[str, ...], vocabulary: Vocabulary) -> PrepareOptions:
        """What is to be prepared from these sources, with the options that are shown."""
        return PrepareOptions(
            sources,
            validation=tuple(self.validation),
            column=self.column.text().strip() or "text",
            template=self.template.currentData(),
            learn_prompts=self.learn_prompts.isChecked(),
            vocabulary=vocabulary,
        )

    def show_over(self, over: bool) -> None:
        """Shows that the dragged files would be accepted."""
        set_property(self, "over", "true" if over else "false")

    def _show_icon(self) -> None:
        self._icon.setPixmap(self._theme.icon("document", "muted").pixmap(QSize(_ICON, _ICON)))
        self._icon.setAlignment(Qt.AlignmentFlag.AlignVCenter)
