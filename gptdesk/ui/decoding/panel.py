"""The decoding panel: presets, and all decoding settings that have a control, in groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.inference.sampling.fields import Group, Setting
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.ui.decoding.bias_chips import HELP, BiasChips
from gptdesk.ui.decoding.escapes import read_escapes, write_escapes
from gptdesk.ui.decoding.order_list import OrderList
from gptdesk.ui.decoding.preset_bar import NEUTRAL_HELP, PresetBar
from gptdesk.ui.decoding.rows import ChoiceRow, NumberRow, has_row, make_row
from gptdesk.ui.decoding.seed_box import SeedBox
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.help_mark import label_with_help
from gptdesk.ui.widgets.inputs.chips import Chips
from gptdesk.ui.widgets.inputs.slider_row import SliderRow
from gptdesk.ui.widgets.layout.collapsible_section import CollapsibleSection
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet
from gptdesk.ui.widgets.tooltips import wrapped

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

WIDTH: Final = 312
_SCOPE = "Applies to the next generation in this document; the text stays as it is."
_ESCAPES = "Write \\n for a line end, \\t for a tab, \\\\ for a backslash."
FOR_NEW_HELP: Final = "Use these settings, including seed and stop strings, for every new document"


class DecodingPanel(QScrollArea):
    """Shows the decoding settings, and changes them.

    The rows of a group are made when it is opened for the first time.

    Attributes:
        sections: the groups.
        scope: says what the settings apply to.
        choices: the rows of settings whose values are words, by name, of the groups that have been opened.
        more: the part of a group that holds its rarely used settings, where it has any.

    Signals:
        refused(str): emitted when an input cannot be used; the sentence says why.
    """

    refused = Signal(str)

    def __init__(self, theme: Theme, settings: SettingsService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = QWidget()
        self._shown.setProperty("zone", "surface")
        self._theme, self._settings = theme, settings
        self.presets = PresetBar(theme, settings)
        self.seed = SeedBox(theme)
        self.stop = self._chips("stop", "Add a stop string", "Add, for example \\n\\n")
        self.breakers = self._chips("dry_breakers", "Add a sequence breaker", "Add, for example .")
        self.bias = BiasChips(theme)
        self.order: OrderList | None = None  # made when somebody looks at it
        self._effects: Mapping[str, str] = {}  # by setting
        self._rows: dict[str, SliderRow | NumberRow] = {}  # of the groups that have been opened
        self.choices: dict[str, ChoiceRow] = {}  # as the rows
        self.neutral = QPushButton("Reset to neutral")
        self.neutral.setToolTip(wrapped(NEUTRAL_HELP))
        self.for_new = QPushButton()
        self.for_new.setToolTip(wrapped(FOR_NEW_HELP))

        self.setObjectName("panel")
        self.setWidgetResizable(True)
        make_quiet(self)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumWidth(WIDTH)
        self.setWidget(self._shown)  # before it is filled: Qt would style each row once more
        self.sections = {
            group: CollapsibleSection(theme, group.value, self._shown, fill=partial(self._fill, group))
            for group in Group
        }
        self.more = {
            group: CollapsibleSection(
                theme, "More", self.sections[group].column.parentWidget(), fill=partial(self._fill, group, rare=True)
            )
            for group in Group
            if any(setting.rare for setting in SETTINGS.values() if setting.group is group)
        }
        self._lay_out()
        self._shown.installEventFilter(self)

        self.seed.changed.connect(self._on_changed)
        for chips in (self.stop, self.breakers, self.bias):
            chips.changed.connect(self._on_changed)
            chips.refused.connect(self.refused)
        self.neutral.clicked.connect(self.presets.reset)
        self.for_new.clicked.connect(self.use_for_new)
        for group, section in self.more.items():
            section.button.setAccessibleName(f"More settings of {group.value}")
            section.button.setProperty("minor", True)  # before it is shown, which styles it
            section.toggled.connect(self._show_captions)
        for group, section in self.sections.items():
            section.set_open(group.value not in settings.value.closed_groups)
            section.toggled.connect(self._on_toggled)
        settings.changed.connect(self._show)
        self._show()

    @property
    def rows(self) -> dict[str, SliderRow | NumberRow]:
        """The rows of all settings whose control is a slider or a box, by name; makes those of closed groups, too."""
        for section in (*self.sections.values(), *self.more.values()):
            section.fill()
        return self._rows

    def show_effects(self, effects: Mapping[str, str]) -> None:
        """Shows under the settings what each does to the distribution of the next token.

        Args:
            effects: by name of the setting, as "keeps 23 of 50,257 (95 %)".
        """
        self._effects = effects
        for name, row in self._rows.items():
            self._show_effect(name, row)
        self.bias.show_note(effects.get("logit_bias", ""))

    def _show_effect(self, name: str, row: SliderRow | NumberRow) -> None:
        if isinstance(row, SliderRow):
            row.show_note(self._effects.get(name, ""))

    def show_vocabulary(self, tokenizer: Tokenizer | None) -> None:
        """Names biased tokens by the vocabulary of the model in use; None where none is loaded."""
        self.bias.show_vocabulary(tokenizer)

    def _chips(self, name: str, accessible_name: str, placeholder: str) -> Chips:
        """The editor of a setting that is a list of strings."""
        help = f"{SETTINGS[name].help} {_ESCAPES}"
        chips = Chips(
            self._theme,
            show=write_escapes,
            read=read_escapes,
            check=lambda values: DecodingSettings.from_json({name: values}),
        )
        chips.line.setPlaceholderText(placeholder)
        chips.line.setAccessibleName(accessible_name)
        chips.line.setAccessibleDescription(help)
        chips.setToolTip(wrapped(help))
        return chips

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self._shown)
        layout.setContentsMargins(16, 16, 4, 16)  # and the scroll bar
        layout.setSpacing(8)
        heading = QHBoxLayout()
        heading.setSpacing(8)
        title = QLabel("Decoding")
        title.setProperty("kind", "heading")
        heading.addWidget(title, 1)
        heading.addWidget(self.presets)
        layout.addLayout(heading)
        self.scope = QLabel(_SCOPE)
        self.scope.setProperty("kind", "muted")
        self.scope.setWordWrap(True)
        layout.addWidget(self.scope)
        for section in self.sections.values():
            section.column.setSpacing(6)
            layout.addWidget(section)
        layout.addWidget(self.neutral)
        layout.addWidget(self.for_new)
        layout.addStretch(1)

    def _fill(self, group: Group, *, rare: bool = False) -> None:
        """Adds a row for each setting of a group; those that are ``rare`` stand under "More"."""
        section = self.more[group] if rare else self.sections[group]
        for setting in SETTINGS.values():
            if setting.group is group and setting.rare is rare and (row := self._row(setting)):
                section.column.addWidget(row)
        if not rare and group in self.more:
            self.more[group].column.setSpacing(6)
            section.column.addWidget(self.more[group])
        for line in section.findChildren(QLineEdit):
            line.setAcceptDrops(False)  # a file that is dropped there is for the page, and its address is no setting

    def _row(self, setting: Setting) -> QWidget | None:
        """The row of a setting; ``None`` where the panel does not show it."""
        name = setting.name
        if name == "seed":
            return self.seed
        if name == "stop":
            return _titled(setting, self.stop, self.stop.line, f"{setting.help} {_ESCAPES}")
        if name == "dry_breakers":
            return _titled(setting, self.breakers, self.breakers.line, f"{setting.help} {_ESCAPES}")
        if name == "logit_bias":
            return _titled(setting, self.bias, self.bias.chips.line, HELP)
        if name == "sampler_order":
            self.order = OrderList(self._theme)
            self.order.show_settings(self._settings.value.decoding)
            self.order.changed.connect(self._on_changed)
            return _titled(setting, self.order, self.order.list, setting.help)
        if setting.choices:
            choice = self.choices[name] = ChoiceRow(setting)
            choice.set_value(getattr(self._settings.value.decoding, name))
            choice.box.activated.connect(self._on_changed)
            return choice
        if row := make_row(setting):
            self._rows[name] = row
            row.set_value(getattr(self._settings.value.decoding, name))
            self._show_effect(name, row)
            signal = row.changed if isinstance(row, SliderRow) else row.box.valueChanged
            signal.connect(self._on_changed)
        return row

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Widens the panel for a larger font or longer words, because it does not scroll sideways."""
        if watched is self._shown and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            self._fit_width()
        return super().eventFilter(watched, event)

    def _fit_width(self) -> None:
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(max(WIDTH, self._shown.minimumSizeHint().width() + bar))

    def use_for_new(self) -> None:
        """Makes the decoding settings those of new documents."""
        self._settings.update(new_document_decoding=self._settings.value.decoding)

    def _show(self) -> None:
        settings = self._settings.value.decoding
        same = settings == self._settings.value.new_document_decoding
        self.for_new.setEnabled(not same)
        self.for_new.setText("Used for new documents" if same else "Use for new documents")
        for name, row in self._rows.items():
            row.set_value(getattr(settings, name))
        for name, choice in self.choices.items():
            choice.set_value(getattr(settings, name))
        self.seed.set_value(settings.seed)
        self.stop.set_values(settings.stop)
        self.breakers.set_values(settings.dry_breakers)
        self.bias.show_settings(settings)
        if self.order is not None:
            self.order.show_settings(settings)
        self._show_captions()

    def _on_toggled(self) -> None:
        own = {group.value for group in self.sections}
        others = tuple(name for name in self._settings.value.closed_groups if name not in own)
        closed = tuple(group.value for group, section in self.sections.items() if not section.is_open) + others
        self._settings.update(closed_groups=closed)
        self._show_captions()

    def _show_captions(self) -> None:
        """Lists the settings of a closed group that are not neutral, beside its heading."""
        changed = [SETTINGS[name] for name in self._settings.value.decoding.to_json() if has_row(SETTINGS[name])]
        for group, section in self.sections.items():
            titles = [setting.title for setting in changed if setting.group is group]
            section.caption.setText("" if section.is_open else ", ".join(titles))
        for group, section in self.more.items():
            titles = [setting.title for setting in changed if setting.group is group and setting.rare]
            section.caption.setText("" if section.is_open else ", ".join(titles))

    def _on_changed(self) -> None:
        """Takes over only the values that differ from the settings as shown, which are rounded in the boxes."""
        settings = self._settings.value.decoding
        changes: dict[str, Any] = {
            name: row.value
            for name, row in self._rows.items()
            if row.value != round(getattr(settings, name), SETTINGS[name].decimals)
        }
        changes |= {"seed": self.seed.value, "stop": self.stop.values, "dry_breakers": self.breakers.values}
        changes |= self.bias.changes
        changes |= {name: choice.value for name, choice in self.choices.items()}
        if self.order is not None:
            changes["sampler_order"] = self.order.value
        try:
            self._settings.update(decoding=replace(settings, **changes))
        except UserError as error:
            self.refused.emit(str(error))
            self._show()


def _titled(setting: Setting, editor: QWidget, buddy: QWidget, help: str) -> QWidget:
    """A row with the title above its editor."""
    row = QWidget()
    layout = QVBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    label = QLabel(setting.title)
    label.setToolTip(wrapped(help))
    label.setBuddy(buddy)
    layout.addLayout(label_with_help(label, help))
    layout.addWidget(editor)
    return row
