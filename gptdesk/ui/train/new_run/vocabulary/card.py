"""Card that chooses the vocabulary that text is prepared with, and shows what it costs and brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.training.data.vocabulary import BPE, CHARACTER, GPT2, GPT2_VOCABULARY, SIZES, Vocabulary
from gptdesk.ui import number_format
from gptdesk.ui.train.new_run.calm_inputs import CalmSlider
from gptdesk.ui.train.new_run.draft.shapes import count_parameters, shape_of
from gptdesk.ui.train.new_run.draft.vocabulary_choice import VocabularyChoice
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.tooltips import wrapped

DEFAULT_SIZE: Final = 8_192
"""Cuts English text nearly as finely as GPT-2's tokens do, for a sixth of their parameters."""

_OTHER: Final = "other"
_NOTE: Final = (
    "The tokens that text is cut into. Each has a vector in the model: in a small one, GPT-2's 50,257 take most of the "
    "parameters. A smaller vocabulary makes more tokens of the same text."
)
_TITLES: Final = {
    GPT2: ("GPT-2's (50,257)", "The tokens of GPT-2. Models with them can be compared by their loss per token."),
    BPE: ("From this text", "Byte-pair encoding that is learned from the text before it is prepared."),
    CHARACTER: ("Characters", "Each character of the text is a token. The model cannot read any other character."),
    _OTHER: ("As prepared", "The vocabulary that the chosen data was prepared with."),
}
_BYTES_TIP: Final = (
    "Measured on the beginning of the text, up to 4 MB. The more bytes a token stands for, the more text the model "
    "reads at once and in a step."
)
_ESTIMATE_TIP: Final = "Typical of English text; not measured on this text."
_SHARE_TIP: Final = "Parameters of the model that are the vectors of the tokens."


class VocabularyCard(QFrame):
    """The card.

    Attributes:
        kinds: buttons, by kind of vocabulary.
        problem: why the chosen data does not have this vocabulary.

    Signals:
        chosen(object): a `Vocabulary` was chosen.
        prepare_wanted(): prepare the text of the chosen data again with this vocabulary.
        measure_wanted(), measure_cancelled(): measure bytes per token, or stop that.
    """

    chosen = Signal(object)
    prepare_wanted = Signal()
    measure_wanted = Signal()
    measure_cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._measuring = False
        self._size = DEFAULT_SIZE
        title = QLabel("Vocabulary")
        title.setProperty("kind", "title")
        self.note = _label(_NOTE, "muted")
        self.kinds = {kind: QPushButton(name) for kind, (name, _) in _TITLES.items()}
        self._group = QButtonGroup(self)
        self.slider, self.size_label = CalmSlider(len(SIZES)), QLabel()
        self.bytes, self.share = _label("", ""), _label("", "")
        self.measure = QPushButton("Measure")
        self.problem = _label("", "bad")
        self.prepare = QPushButton("Prepare again")
        self.prepare.setToolTip(wrapped("Prepares the same text with this vocabulary. The data that is there stays."))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        self._sizes = self._make_sizes()
        for widget in (title, self.note, self._make_kinds(), self._sizes):
            layout.addWidget(widget)
        layout.addLayout(self._make_figures())
        layout.addWidget(self.problem)
        layout.addWidget(self.prepare, 0, Qt.AlignmentFlag.AlignLeft)
        self._group.buttonClicked.connect(self._on_kind)
        self.slider.valueChanged.connect(self._on_size)
        self.measure.clicked.connect(self._on_measure)
        self.prepare.clicked.connect(self.prepare_wanted)
        self.show_measurable(False)

    def _make_kinds(self) -> QWidget:
        kinds = QWidget()
        row = FlowLayout(kinds, spacing=8)
        for kind, button in self.kinds.items():
            button.setCheckable(True)
            button.setAccessibleName(f"Vocabulary: {_TITLES[kind][0]}")
            self._group.addButton(button)
            row.addWidget(button)
        return kinds

    def _make_sizes(self) -> QWidget:
        self.slider.setAccessibleName("Size of the vocabulary")
        self.size_label.setProperty("kind", "heading")
        sizes = QWidget()
        row = QHBoxLayout(sizes)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.slider, 1)
        row.addWidget(self.size_label)
        return sizes

    def _make_figures(self) -> QVBoxLayout:
        self.bytes.setAccessibleName("Bytes per token")
        self.share.setAccessibleName("Share of the model's parameters")
        self.share.setToolTip(wrapped(_SHARE_TIP))
        self.measure.setProperty("kind", "small")
        self.measure.setAccessibleName("Measure bytes per token")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.bytes, 1)
        row.addWidget(self.measure, 0, Qt.AlignmentFlag.AlignTop)
        figures = QVBoxLayout()
        figures.setSpacing(8)
        figures.addLayout(row)
        figures.addWidget(self.share)
        return figures

    def show_choice(self, choice: VocabularyChoice, model: Mapping[str, Any]) -> None:
        """Shows the choice.

        Args:
            model: values of the section ``model``, for a model from scratch.
        """
        kind = choice.chosen.kind if choice.chosen.kind in _TITLES else _OTHER
        kept = bool(choice.base)
        if choice.chosen.kind == BPE:
            self._size = choice.chosen.size
        self._group.setExclusive(False)
        for name, button in self.kinds.items():
            button.setChecked(name == kind and not kept)
            button.setEnabled(not kept)
            button.setToolTip(wrapped(_kept_note(choice) if kept else _TITLES[name][1]))
        self._group.setExclusive(True)
        self.kinds[_OTHER].setVisible(kind == _OTHER and not kept)
        self.note.setText(_kept_note(choice) if kept else _NOTE)
        self._sizes.setVisible(kind == BPE and not kept)
        self.slider.show_position(min(range(len(SIZES)), key=lambda i: abs(SIZES[i] - self._size)))
        self.size_label.setText(f"{number_format.count(self._size)} tokens")
        self.slider.setAccessibleDescription(self.size_label.text())
        for label in (self.bytes, self.share):
            label.setVisible(not kept)
        self.measure.setVisible(self.measure.isEnabled() and not kept)
        self._show_bytes(choice)
        self._show_share(choice.size, model)
        self.problem.setText(choice.problem)
        self.problem.setVisible(bool(choice.problem))
        self.prepare.setVisible(bool(choice.problem))

    def _show_bytes(self, choice: VocabularyChoice) -> None:
        density = choice.density
        text = f"{number_format.decimal(density.bytes_per_token, 2)} bytes per token"
        if choice.measured is None:
            text = f"About {number_format.decimal(density.bytes_per_token, 1)} bytes per token (estimate)"
        elif density.kind == BPE and density.vocab_size < choice.chosen.size:
            text += f"; the text gives no more than {number_format.count(density.vocab_size)} tokens"
        elif density.kind == CHARACTER:
            text += f"; {number_format.count(density.vocab_size)} tokens"
        self.bytes.setText("Measuring on the text…" if self._measuring else text)
        self.bytes.setToolTip(wrapped(_ESTIMATE_TIP if choice.measured is None else _BYTES_TIP))

    def _show_share(self, vocab_size: int, model: Mapping[str, Any]) -> None:
        shape = shape_of(model)
        whole, part = count_parameters(model, shape, vocab_size), vocab_size * shape.n_embd
        if not whole:
            self.share.setText("–")
            return
        parts = f"{number_format.parameters(part)} of the model's {number_format.parameters(whole)} parameters"
        share = number_format.percent(part / whole) if part >= whole / 100 else "less than 1 %"
        self.share.setText(f"The vocabulary takes {parts} ({share})")

    def show_measurable(self, measurable: bool) -> None:
        """Shows whether bytes per token can be measured on the chosen text."""
        self.measure.setEnabled(measurable)
        self.measure.setVisible(measurable)

    def show_measuring(self, measuring: bool) -> None:
        """Shows whether the measurement runs."""
        self._measuring = measuring
        self.measure.setText("Stop measuring" if measuring else "Measure")
        self.measure.setAccessibleName(f"{self.measure.text()} bytes per token")

    def show_failure(self, sentence: str) -> None:
        """Shows why bytes per token could not be measured, until the choice changes."""
        self.bytes.setText(f"Not measured: {sentence}")

    def _on_kind(self, button: QPushButton) -> None:
        kind = next(kind for kind, each in self.kinds.items() if each is button)
        if kind == BPE:
            self.chosen.emit(Vocabulary(BPE, self._size))
        elif kind != _OTHER:
            self.chosen.emit(GPT2_VOCABULARY if kind == GPT2 else Vocabulary(kind))

    def _on_size(self, position: int) -> None:
        self.chosen.emit(Vocabulary(BPE, SIZES[position]))

    def _on_measure(self) -> None:
        (self.measure_cancelled if self._measuring else self.measure_wanted).emit()


def _kept_note(choice: VocabularyChoice) -> str:
    tokens = f" ({number_format.count(choice.tokenizer.vocab_size)} tokens)" if choice.tokenizer else ""
    return f"The run starts from {choice.base_name} and keeps the vocabulary of that model{tokens}."


def _label(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("kind", kind)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
