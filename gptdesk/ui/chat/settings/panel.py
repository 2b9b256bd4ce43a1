"""The panel beside a chat: template, context meter, system text, names, and the prompt."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gptdesk.chat.prompt import ChatPrompt
from gptdesk.chat.templates.template import name_of
from gptdesk.chat.turns import LONGEST_NAME, ROLE_TITLES, spoken, to_name
from gptdesk.gpt2.chat_template import Role
from gptdesk.ui import number_format
from gptdesk.ui.chat.prompt_watch import PromptWatch
from gptdesk.ui.chat.prompts import ChatPrompts
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.chat.settings.prompt_view import PromptView
from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.help_mark import label_with_help
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet
from gptdesk.ui.widgets.style_state import set_kind
from gptdesk.ui.widgets.tooltips import wrapped

UNTRAINED: Final = (
    "This model was not trained on dialogue: it continues a written conversation, may lose the thread and speak for "
    "both sides. Plain names suit it best; fine-tune it on conversations to get one that answers."
)
"""What to expect of a model that brings no chat template."""

_TEMPLATE_HELP: Final = (
    "How the conversation becomes the text that the model reads. A model answers best with the template that it was "
    "trained with."
)
_SYSTEM_HELP: Final = (
    "Instructions or a setting that stand before the conversation and stay when old turns are left out."
)
_PROMPT_HELP: Final = (
    "The exact text that the model reads, token by token; special tokens are in the accent colour. Text in a message "
    "that spells a special token stays text."
)
_NAMED: Final[tuple[Role, ...]] = ("user", "assistant")


class ChatPanel(QScrollArea):
    """Shows the settings of the open chat, and changes them.

    Attributes:
        template: the choice of template.
        note: what is to be known of it, or of the model.
        meter, bar: how full the context is.
        system: the system text.
        names: of the speakers, by role.
        prompt: the exact prompt.
    """

    def __init__(
        self,
        theme: Theme,
        session: ChatSession,
        prompts: ChatPrompts,
        watch: PromptWatch,
        inference: InferenceService,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._prompts, self._watch, self._inference = session, prompts, watch, inference
        self.template = ListBox()
        self.template.setSizeAdjustPolicy(ListBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.template.setMinimumContentsLength(20)
        self.template.setAccessibleName("Template")
        self.template.activated.connect(lambda place: session.set_template(self.template.itemData(place)))
        self.note, self.meter = QLabel(), QLabel()
        self.bar = QProgressBar()
        self.bar.setProperty("kind", "job")
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Context")
        self.system = QPlainTextEdit()
        self.system.setAccessibleName("System text")
        self.system.setPlaceholderText("For example: A conversation between a fox and a traveller.")
        self.system.setTabChangesFocus(True)
        self.system.setFixedHeight(4 * self.system.fontMetrics().lineSpacing() + 14)
        self.system.textChanged.connect(self._on_system_typed)
        self.names = {role: self._name_field(role) for role in _NAMED}
        self.prompt = PromptView(theme)
        self.prompt.setMinimumHeight(scaled(140))
        for label in (self.note, self.meter):
            label.setWordWrap(True)
            label.setProperty("kind", "muted")
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.meter.setAccessibleName("Context")
        self._lay_out()
        session.opened.connect(self._show)
        session.changed.connect(self._show)
        prompts.changed.connect(self._show_templates)
        watch.changed.connect(self._show_prompt)
        self._show_templates()
        self._show()
        self._show_prompt()

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setProperty("zone", "surface")
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 4, 16)
        column.setSpacing(6)
        column.addLayout(_heading("Template", _TEMPLATE_HELP))
        column.addWidget(self.template)
        column.addWidget(self.note)
        column.addSpacing(10)
        column.addLayout(_heading("Context", "How much of what the model can read at once the conversation takes."))
        column.addWidget(self.bar)
        column.addWidget(self.meter)
        column.addSpacing(10)
        column.addLayout(_heading("System text", _SYSTEM_HELP))
        column.addWidget(self.system)
        column.addSpacing(10)
        column.addLayout(_heading("Names", "Names of the speakers; templates without names leave them out."))
        grid = QGridLayout()
        grid.setSpacing(6)
        for row, (role, field) in enumerate(self.names.items()):
            label = QLabel(ROLE_TITLES[role])
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        column.addLayout(grid)
        column.addSpacing(10)
        column.addLayout(_heading("Prompt", _PROMPT_HELP))
        column.addWidget(self.prompt, 1)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        make_quiet(self)
        self.setWidget(inner)

    def _name_field(self, role: Role) -> QLineEdit:
        field = QLineEdit()
        field.setMaxLength(LONGEST_NAME)
        field.setPlaceholderText(ROLE_TITLES[role])
        field.setAccessibleName(f"Name of the {role}")
        field.setToolTip(wrapped("Changes the name in all turns"))
        field.editingFinished.connect(lambda: self._on_named(role))
        return field

    @Slot()
    def _show(self) -> None:
        turns = self._session.turns
        first = turns[0].turn if turns and turns[0].turn.role == "system" else None
        text = first.text if first is not None else ""
        if text != self.system.toPlainText():
            self.system.blockSignals(True)
            self.system.setPlainText(text)
            self.system.blockSignals(False)
        said = spoken(turns)
        for role, field in self.names.items():
            field.setEnabled(any(turn.role == role for turn in said))
            if not field.hasFocus():
                field.setText(name_of(role, said))

    @Slot()
    def _show_templates(self) -> None:
        self.template.clear()
        for one in self._prompts.templates:
            self.template.addItem(one.label, one.id)
        chosen = self._prompts.template
        self.template.setCurrentIndex(self.template.findData(chosen.id))
        self.template.setToolTip(wrapped(chosen.label))
        untrained = self._prompts.known and not self._prompts.of_model
        note = " ".join(filter(None, (chosen.notice, UNTRAINED if untrained else "")))
        self.note.setText(note)
        self.note.setVisible(bool(note))

    @Slot()
    def _show_prompt(self) -> None:
        prompt, info = self._watch.prompt, self._inference.info
        self.prompt.show_prompt(prompt, info.tokenizer if info is not None else None)
        words, kind = meter_words(prompt, info.context if info is not None else 0)
        if self._watch.problem:
            words, kind = self._watch.problem, "bad"
        self.meter.setText(words)
        set_kind(self.meter, kind)
        self.bar.setRange(0, max(info.context if info is not None else 1, 1))
        self.bar.setValue(min(len(prompt.ids), self.bar.maximum()) if prompt is not None else 0)

    @Slot()
    def _on_system_typed(self) -> None:
        self._session.set_system(self.system.toPlainText())

    def _on_named(self, role: Role) -> None:
        name = to_name(self.names[role].text())
        if name != name_of(role, spoken(self._session.turns)):
            self._session.rename(role, name)


def meter_words(prompt: ChatPrompt | None, context: int) -> tuple[str, str]:
    """What is said of how full the context is, and the kind of the label."""
    if prompt is None or not context:
        return (f"Nothing yet, of {number_format.tokens(context)}." if context else "No model is loaded."), "muted"
    used = f"{number_format.count(len(prompt.ids))} of {number_format.tokens(context)}"
    if prompt.too_long:
        return f"{used}. The last message is longer than the model can read: it reads only its end.", "warn"
    if prompt.left_out:
        count = number_format.counted(len(prompt.left_out), "oldest turn")
        return f"{used}. It is full: {count} left out; system text and pinned turns stay.", "warn"
    return f"{used}.", "muted"


def _heading(title: str, help: str) -> QVBoxLayout:
    label = QLabel(title)
    label.setProperty("kind", "label")
    label.setToolTip(wrapped(help))
    layout = QVBoxLayout()
    layout.addLayout(label_with_help(label, help))
    return layout
