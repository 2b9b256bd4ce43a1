"""Third step of the New run sheet: preset, important settings, all other settings, and launcher."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.calm_inputs import CalmListBox
from gptdesk.ui.train.new_run.draft.draft import Draft, preset_note
from gptdesk.ui.train.new_run.draft.schema import fitted_words
from gptdesk.ui.train.new_run.settings.controls import WIDTH
from gptdesk.ui.train.new_run.settings.form import SettingsForm
from gptdesk.ui.train.new_run.settings.launcher_card import LauncherCard
from gptdesk.ui.train.new_run.step import Step
from trainer.config.values import preset_names

FIRST = (
    "schedule.steps",
    "data.batch_size",
    "optim.learning_rate",
    "model.n_positions",
    "data.context_length",
    "run.eval_interval",
    "run.checkpoint_interval",
)
"""Keys of the important settings, which are always in view."""

_OWN = "Own settings"
_FITTED = "The steps are reduced because your text is small."


class SettingsStep(Step):
    """Chooses the settings.

    Signals:
        preset_chosen(str): the user chose that preset.
    """

    preset_chosen = Signal(str)

    def __init__(self, theme: Theme, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__("Settings", "Start with a preset. Every setting can be changed.", parent)
        self.presets = CalmListBox()
        self.presets.setAccessibleName("Preset")
        self.presets.setFixedWidth(WIDTH)
        self._note = QLabel()
        self._note.setProperty("kind", "muted")
        self._note.setWordWrap(True)
        self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.fitted = QLabel()
        self.fitted.setTextFormat(Qt.TextFormat.PlainText)
        self.fitted.setWordWrap(True)
        self.fitted.setAccessibleName("Settings that were fitted")
        self.fitted.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        title = QLabel("Preset")
        title.setProperty("kind", "label")
        title.setBuddy(self.presets)
        card = QFrame()
        card.setProperty("kind", "card")
        grid = QGridLayout(card)
        grid.setContentsMargins(16, 16, 16, 16)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(title, 0, 0)
        grid.addWidget(self._note, 1, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.presets, 0, 1, 2, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.fitted, 2, 0, 1, 2)
        self.form = SettingsForm(theme, draft.sections, FIRST)
        self.launcher = LauncherCard()
        for widget in (card, self.problem_label, self.form, self.launcher):
            self.column.addWidget(widget)
        self.presets.activated.connect(lambda _: self._on_activated())
        self.show_draft(draft)

    def show_draft(self, draft: Draft) -> None:
        """Shows the settings in force."""
        names = [*preset_names(), *([] if draft.preset else [_OWN])]
        if [self.presets.itemText(i) for i in range(self.presets.count())] != names:
            self.presets.clear()
            self.presets.addItems(names)
        self.presets.setCurrentText(draft.preset or _OWN)
        note = preset_note(draft.preset) if draft.preset else "Settings from a file."
        self._note.setText(f"{note} {_FITTED}" if draft.fitted else note)
        self.fitted.setText("\n".join(fitted_words(told, draft.sections) for told in draft.notes))
        self.fitted.setVisible(bool(draft.notes))
        self.form.show_values(draft.values())
        self.form.hide_unused(draft.unused)

    def _on_activated(self) -> None:
        if self.presets.currentText() != _OWN:
            self.preset_chosen.emit(self.presets.currentText())
