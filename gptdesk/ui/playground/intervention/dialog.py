"""The dialog that changes the model: parts that are off, what stands for them, a direction and its strength."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.inference.interventions.intervention import (
    LONGEST,
    MOST_STRENGTH,
    Intervention,
    Steering,
    join_components,
    parse_components,
)
from gptdesk.ui.decoding.escapes import read_escapes
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.widgets.inputs.scale import Linear
from gptdesk.ui.widgets.inputs.slider_row import SliderRow, SliderSpec
from gptdesk.ui.widgets.tooltips import wrapped

_SLIDER: Final = 4.0
"""Strength at the end of the slider: beyond it most models write nothing but the direction."""

_STRENGTH: Final = SliderSpec(
    name="strength",
    title="Strength",
    help="Factor of the direction. 0 changes nothing, below it the model is steered the other way; from about 2 on "
    "most models write nonsense.",
    lowest=-MOST_STRENGTH,
    highest=MOST_STRENGTH,
    decimals=2,
    scale=Linear(-_SLIDER, _SLIDER),
)

_DIRECTION: Final = (
    "The difference of what stands in the model behind two prompts where a layer begins, such as “I am happy” and "
    "“I am sad”, is added for every token (Turner 2023, with one token everywhere as in Rimsky 2023). An empty second "
    "prompt is the beginning of a text; \\n is a line end."
)


class InterventionDialog(InputDialog):
    """Edits an `Intervention`.

    Args:
        value: at first.
        shape: layers and heads of the model.
        text: of the document, over which means are taken.

    Attributes:
        parts: names of the parts.
        replacement: what stands for them.
        toward, away, layer, strength: of the direction; none where both prompts are empty.

    Signals:
        chosen(object): emitted with the intervention when the person confirms it.
    """

    chosen = Signal(object)

    def __init__(self, value: Intervention, shape: tuple[int, int], text: str, parent: QWidget | None = None) -> None:
        super().__init__("Change the model", "Apply", parent, width=480)
        self._shape = layers, heads = shape
        self.parts = QLineEdit(join_components(value.without))
        self.parts.setPlaceholderText("3.1, 5.mlp, 6")
        about = QLabel(
            f"3.1 is head 1 of layer 3, 5.mlp the MLP of layer 5, 6 all of layer 6. This model has the layers 0 to "
            f"{layers - 1}, each with the heads 0 to {heads - 1}."
        )
        about.setProperty("kind", "muted")
        about.setWordWrap(True)
        self.replacement = ListBox()
        self.replacement.addItem("Zero", "")
        self.replacement.addItem("Their mean over the text of the document", text[:LONGEST])
        if value.mean_of and value.mean_of != text[:LONGEST]:
            self.replacement.addItem("Their mean over the text of before", value.mean_of)
        self.replacement.setCurrentIndex(max(0, self.replacement.findData(value.mean_of)))
        steering = value.steering[0] if value.steering else None
        self.toward = QLineEdit(_in_one_line(steering.toward) if steering else "")
        self.away = QLineEdit(_in_one_line(steering.away) if steering else "")
        self.layer = NumberBox(0, layers - 1, 0)
        self.layer.setValue(steering.layer if steering else layers // 2)
        self.strength = SliderRow(_STRENGTH)
        self.strength.set_value(steering.strength if steering else 1.0)
        self._lay_out(about)
        self.watch(self.layer)
        self.watch(self.strength.box)
        for line in (self.parts, self.toward, self.away):
            line.textChanged.connect(self._judge)
        self.replacement.currentIndexChanged.connect(self._judge)
        self.strength.changed.connect(self._judge)
        self._judge()

    def _lay_out(self, about: QLabel) -> None:
        steer = QLabel("Steer by a direction")
        steer.setProperty("kind", "heading")
        steer.setToolTip(wrapped(_DIRECTION))
        help = QLabel(_DIRECTION)
        help.setProperty("kind", "muted")
        help.setWordWrap(True)
        prompts = QHBoxLayout()
        prompts.setSpacing(8)
        prompts.addLayout(_captioned("Toward", self.toward))
        prompts.addLayout(_captioned("Away from", self.away))
        last = QHBoxLayout()
        last.setSpacing(16)
        last.addLayout(_captioned("Into layer", self.layer))
        last.addWidget(self.strength, 1)
        off = QLabel("Switched off")
        off.setProperty("kind", "heading")
        off.setBuddy(self.parts)
        self.parts.setAccessibleName("Parts that are switched off")
        self.add(off, self.parts, about, _captioned("What stands for their output", self.replacement))
        self.add(steer, help, prompts, last)

    @Slot()
    def _judge(self) -> None:
        problem = ""
        try:
            self._value().check_shape(*self._shape)
        except UserError as error:
            problem = str(error)
        self.problem.show_problem(problem)
        self.accept_button.setEnabled(not problem)

    def _value(self) -> Intervention:
        """What the fields say.

        Raises:
            UserError: when that cannot be used.
        """
        without = parse_components(self.parts.text())
        mean_of = self.replacement.currentData()
        if without and self.replacement.currentIndex() and not mean_of:
            raise UserError("The document has no text over which a mean could be taken.")
        toward, away = read_escapes(self.toward.text()), read_escapes(self.away.text())
        steering: tuple[Steering, ...] = ()
        if (toward or away) and self.strength.value:
            layer, strength = round(self.layer.value()), float(self.strength.value)
            steering = (Steering(toward=toward, away=away, layer=layer, strength=strength),)
        return Intervention(without=without, mean_of=mean_of, steering=steering)

    @Slot()
    def decide(self) -> None:
        """Emits the intervention and closes."""
        self.chosen.emit(self._value())
        self.accept()


def _in_one_line(text: str) -> str:
    """A prompt as `read_escapes` reads it; spaces at its ends stay spaces, which count."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _captioned(caption: str, widget: QWidget) -> QVBoxLayout:
    label = QLabel(caption)
    label.setBuddy(widget)
    widget.setAccessibleName(caption)
    column = QVBoxLayout()
    column.setSpacing(4)
    column.addWidget(label)
    column.addWidget(widget)
    return column
