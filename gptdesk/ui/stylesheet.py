"""The one style sheet of the window, filled in from a theme's colours; lengths keep to a grid of 8 pixels."""

from __future__ import annotations

from functools import cache
from string import Template
from typing import Final

from msgspec.structs import asdict
from PySide6.QtGui import QFontMetrics, QGuiApplication

from gptdesk.ui.fonts import scaled
from gptdesk.ui.icons import SIZE
from gptdesk.ui.palette import Colours

_CONTROL_HEIGHT: Final = 32
_CONTROL_PADDING: Final = 12

_TEMPLATE: Final = Template("""
QWidget { color: $text; }
QMainWindow, QWidget#window { background: $background; }
QDialog, QMessageBox { background: $surface; }
QLabel { background: transparent; }
QLabel[kind="muted"] { color: $muted; }
QLabel[kind="warn"] { color: $warn; }
QLabel[kind="bad"] { color: $bad; }
QLabel[kind="good"] { color: $good; }
QLabel[kind="title"] { font-weight: 600; }
QLabel[kind="heading"] { font-weight: 600; }
QLabel[kind="headline"] { font-size: ${headline}px; font-weight: 600; }

QWidget[zone="surface"] { background: $surface; }
QWidget[zone="background"] { background: $background; }
QFrame[line="horizontal"] { background: $hairline; border: none; max-height: 1px; min-height: 1px; }
QFrame[line="vertical"] { background: $hairline; border: none; max-width: 1px; min-width: 1px; }

QLabel[kind="label"] { font-weight: 500; }
QLabel[kind="help"] {
    color: $muted; border: 1px solid $outline; border-radius: ${help_radius}px; font-size: ${help_size}px;
}
QLabel[kind="help"]:hover { color: $accent; border-color: $accent; }

QPushButton {
    background: $raised; border: 1px solid $outline; border-radius: 6px; font-weight: 500;
    padding: 0 12px; min-height: ${inner}px; max-height: ${inner}px; icon-size: ${icon}px;
}
QPushButton:hover { border-color: $text; }
QPushButton:pressed, QPushButton:open { background: $wash; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:checked { background: $wash; border-color: $accent; color: $accent; }
QPushButton:disabled { color: $disabled; border-color: $hairline; background: transparent; }
QPushButton[busy="true"] { color: $disabled; background: transparent; }
QPushButton[kind="accent"] {
    background: $accent; border-color: $accent; color: $on_accent; padding: 0 16px;
}
QPushButton[kind="accent"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="accent"]:focus {
    border: 2px solid $text; padding: 0 15px; min-height: ${focus_inner}px; max-height: ${focus_inner}px;
}
QPushButton[kind="accent"]:disabled { background: $wash; border-color: $wash; color: $muted; }
QPushButton[kind="flat"] { background: transparent; border-color: transparent; padding: 0 8px; }
QPushButton[kind="flat"]:hover { background: $hover; border-color: transparent; }
QPushButton[kind="flat"]:focus { border-color: $accent; }
QPushButton[kind="flat"]:pressed, QPushButton[kind="flat"]:open { background: $wash; }
QPushButton[icon_only="true"] { padding: 0; icon-size: ${alone}px; min-width: ${inner}px; max-width: ${inner}px; }
QPushButton[kind="muted"] { background: transparent; border-color: transparent; color: $muted; }
QPushButton[kind="muted"]:hover { background: $hover; color: $text; }
QPushButton[kind="muted"]:focus { border-color: $accent; }
QPushButton[kind="chip"] {
    background: transparent; border-color: transparent; border-radius: 4px; icon-size: ${chip_icon}px;
    padding: 0; min-height: ${alone}px; max-height: ${alone}px; min-width: ${alone}px; max-width: ${alone}px;
}
QPushButton[kind="chip"]:hover { background: $hover; }
QPushButton[kind="chip"]:focus { border-color: $accent; }
QPushButton[kind="small"] { padding: 0 8px; min-height: ${small}px; max-height: ${small}px; border-radius: 4px; }
QPushButton[kind="title"] { background: transparent; border-color: transparent; font-weight: 600; }
QPushButton[kind="title"]:hover { background: $hover; }
QPushButton[kind="title"]:focus { border-color: $accent; }
QPushButton[kind="example"] {
    text-align: left; padding: 0 16px; min-height: 46px; max-height: 46px; border-radius: 8px;
    background: transparent; font-weight: 400;
}
QPushButton[kind="example"]:hover { background: $wash; border-color: $accent; }
QPushButton[kind="danger"] { background: $bad; border-color: $bad; color: $on_accent; }
QPushButton[kind="danger"]:focus { border: 2px solid $text; }
QPushButton[kind="run"] {
    background: $surface; border-radius: 8px; padding: 0; min-height: ${run_card}px; max-height: ${run_card}px;
    font-weight: 400;
}
QPushButton[kind="run"]:hover { border-color: $muted; }
QPushButton[kind="run"]:checked { background: $wash; border-color: $accent; }
QPushButton[kind="run"]:focus { border-color: $accent; }
QPushButton[kind="run"]:checked:focus { border: 2px solid $accent; }
QPushButton[kind="model"] {
    background: $surface; border-radius: 8px; padding: 0; min-height: 0; max-height: 400px; font-weight: 400;
}
QPushButton[kind="model"]:hover { border-color: $muted; }
QPushButton[kind="model"]:checked { background: $wash; border-color: $accent; }
QPushButton[kind="model"]:focus { border-color: $accent; }
QPushButton[kind="model"]:checked:focus { border: 2px solid $accent; }
QPushButton[kind="completion"] {
    background: $surface; border-color: $hairline; border-radius: 8px; padding: 0; min-height: 0; max-height: 9999px;
    font-weight: 400;
}
QPushButton[kind="completion"]:hover { border-color: $muted; }
QPushButton[kind="completion"]:pressed { background: $wash; }
QPushButton[kind="completion"]:focus { border: 2px solid $accent; }
QLabel[role="good"] { color: $good; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="accent"] { color: $accent; }
QLabel[role="muted"] { color: $muted; }
QPushButton[kind="choice"] {
    text-align: left; padding: 0; min-height: 50px; max-height: 50px; border-radius: 8px; font-weight: 400;
}
QPushButton[kind="choice"]:checked { background: $wash; border-color: $accent; }
QPushButton[kind="choice"]:checked:focus { border: 2px solid $accent; }
QPushButton[kind="step"] {
    text-align: left; padding: 0; min-height: 54px; max-height: 54px; border-radius: 8px;
    background: transparent; border-color: transparent;
}
QPushButton[kind="step"]:hover { background: $hover; }
QPushButton[kind="step"]:checked { background: $wash; border-color: transparent; }
QPushButton[kind="step"]:focus { border-color: $accent; }
QPushButton[kind="fold"] {
    background: transparent; border-color: transparent; padding: 0; text-align: left; font-weight: 600;
}
QPushButton[kind="fold"][minor="true"] { font-weight: 400; color: $muted; }
QPushButton[kind="fold"]:hover { color: $accent; }
QPushButton[kind="fold"]:checked { color: $text; }
QPushButton[kind="fold"]:focus { border-color: $accent; }
QPushButton[kind="message"], QPushButton[kind="failure"] {
    background: transparent; border-color: transparent; padding: 0 8px; text-align: left; color: $muted;
    min-height: 0; max-height: 400px;
}
QPushButton[kind="failure"] { color: $bad; }
QPushButton[kind="message"]:hover { color: $text; }
QPushButton[kind="message"]:focus { border-color: $accent; }
QPushButton::menu-indicator { image: none; width: 0; }

QToolButton[kind="rail"] {
    background: transparent; border: 1px solid transparent; border-radius: 8px; color: $muted; padding: 6px 0;
    font-weight: 500;
}
QToolButton[kind="rail"]:hover { background: $hover; color: $text; }
QToolButton[kind="rail"]:checked { background: $wash; color: $accent; }
QToolButton[kind="rail"]:focus { border-color: $accent; }

QLineEdit, QAbstractSpinBox, QComboBox {
    background: $raised; border: 1px solid $outline; border-radius: 6px; padding: 0 8px;
    min-height: ${inner}px; max-height: ${inner}px; selection-background-color: $selection; selection-color: $text;
    placeholder-text-color: $muted;
}
QAbstractSpinBox[kind="compact"] { min-height: ${compact}px; max-height: ${compact}px; border-radius: 4px; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $muted; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border-color: $accent; }
QLineEdit[invalid="true"], QAbstractSpinBox[invalid="true"], QComboBox[invalid="true"] { border-color: $bad; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $disabled; border-color: $hairline; }
QComboBox { padding-right: 28px; combobox-popup: 0; }
QComboBox::drop-down { border: none; width: 0; }
QComboBox QAbstractItemView {
    background: transparent; border: none; outline: none; padding: 5px;
    selection-background-color: $wash; selection-color: $text;
}
QComboBox QAbstractItemView::item { min-height: 28px; padding: 0 8px; border-radius: 4px; }

QSlider { min-height: 20px; background: transparent; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $groove; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $accent; }
QSlider::handle:horizontal {
    width: 12px; height: 12px; margin: -6px 0; border-radius: 8px; border: 2px solid $accent; background: $surface;
}
QSlider::handle:horizontal:hover { background: $wash; }
QSlider::handle:horizontal:focus { background: $accent; }
QSlider[off="true"]::sub-page:horizontal { background: $groove; }
QSlider[off="true"]::handle:horizontal { border-color: $muted; }
QSlider[off="true"]::handle:horizontal:focus { border-color: $accent; }
QSlider[inverted="true"]::sub-page:horizontal { background: $groove; }
QSlider[inverted="true"]::add-page:horizontal { height: 4px; border-radius: 2px; background: $accent; }

QTextEdit#editor { background: $surface; border: none; selection-background-color: $selection; selection-color: $text; }
QScrollArea { background: $surface; border: none; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar::handle:vertical { background: $scroll; border-radius: 3px; min-height: 32px; margin: 3px; }
QScrollBar::handle:vertical:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle:horizontal { background: $scroll; border-radius: 3px; min-width: 32px; margin: 3px; }

QAbstractScrollArea::corner { background: transparent; border: none; }

QProgressBar { background: $surface; border: none; max-height: 2px; min-height: 2px; }
QProgressBar::chunk { background: $accent; }

QTreeView[kind="rows"] {
    background: transparent; border: 1px solid transparent; outline: none; padding: 0 3px; show-decoration-selected: 0;
}
QTreeView[kind="rows"]:focus { border-color: $accent; }
QTreeView[kind="rows"]::item { border-radius: 6px; }
QTreeView[kind="rows"]::item:hover { background: $hover; }
QTreeView[kind="rows"]::item:selected { background: $wash; }
QListWidget#order { background: transparent; border: 1px solid $hairline; border-radius: 6px; outline: none; }
QListWidget#order:focus { border-color: $accent; }
QListWidget#order::item { border-radius: 4px; padding: 2px 8px; }
QListWidget#order::item:hover { background: $hover; }
QListWidget#order::item:selected { background: $wash; }
QListWidget#navigation { background: transparent; border: 1px solid transparent; border-radius: 8px; outline: none; }
QListWidget#navigation:focus { border-color: $accent; }
QListWidget#navigation::item { border-radius: 6px; padding: 0 8px; color: $text; }
QListWidget#navigation::item:hover { background: $hover; }
QListWidget#navigation::item:selected { background: $wash; color: $accent; }
QListWidget#commands { background: transparent; border: none; outline: none; }
QListWidget#commands::item { border-radius: 6px; }
QListWidget#commands::item:hover { background: $hover; }
QListWidget#commands::item:selected { background: $wash; }
QTableView, QTreeWidget#beginnings {
    background: $surface; border: 1px solid $hairline; border-radius: 6px; outline: none;
    selection-background-color: $wash; selection-color: $text;
}
QTableView::item { padding: 0 8px; border: none; }
QTableView:focus, QTreeWidget#beginnings:focus { border-color: $accent; }
QTreeWidget#beginnings::item { height: ${row}px; padding: 0 8px; border: none; color: $text; }
QTreeWidget#beginnings::item:selected { background: $wash; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section {
    background: transparent; color: $muted; border: none; border-bottom: 1px solid $hairline; padding: 8px 11px;
}

QHeaderView[kind="heat"]::section { padding: 2px 4px; }
QTableView[kind="heat"] QTableCornerButton::section { background: transparent; border: none; }

QMenu { background: $surface; border: 1px solid transparent; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 8px; border-radius: 4px; margin: 0; }
QMenu::item:selected { background: $wash; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $hairline; margin: 4px 4px; }
QMenu::icon { padding-left: 8px; }
QToolTip { background: $surface; color: $text; border: 1px solid $hairline; padding: 4px 6px; }

QLabel#note { background: $surface; border: 1px solid $warn; border-radius: 6px; padding: 6px 8px; color: $warn; }
QFrame#banner { background: $surface; border: 1px solid $hairline; border-radius: 8px; }
QFrame#banner[kind="bad"] { border-color: $bad; }
QFrame#banner[kind="warn"] { border-color: $warn; }
QFrame#actions, QFrame#find { background: $raised; border: 1px solid $hairline; border-radius: 10px; }
QFrame[kind="card"] { background: $surface; border: 1px solid $hairline; border-radius: 8px; }
QLabel[kind="figure"] { font-size: ${figure}px; font-weight: 600; }
QLabel[kind="figure"][tight="some"] { font-size: ${headline}px; }
QLabel[kind="figure"][tight="much"] { font-size: ${smallest_figure}px; }
QPushButton[kind="tab"] {
    background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 0 10px; color: $muted;
}
QPushButton[kind="tab"]:hover { background: $hover; color: $text; }
QPushButton[kind="tab"]:checked { background: $wash; border-color: transparent; color: $accent; }
QPushButton[kind="tab"]:focus { border-color: $accent; }
QTextEdit[kind="prose"] { background: transparent; border: none; selection-background-color: $selection; }
QTextEdit[kind="comparison"], QTextEdit[kind="compared"], QTextEdit[kind="coloured"] {
    background: $surface; border: 1px solid $hairline; border-radius: 6px; selection-background-color: $selection;
    selection-color: $text;
}
QTextEdit[kind="comparison"]:focus, QTextEdit[kind="compared"]:focus, QTextEdit[kind="coloured"]:focus {
    border-color: $accent;
}
QPlainTextEdit[kind="log"] { background: $surface; border: none; padding: 0; }
QFrame[kind="crash"] { background: $surface; border: 1px solid $bad; border-radius: 8px; }
QSplitter::handle { background: $hairline; }
QFrame#drop { background: $surface; border: 1px dashed $muted; border-radius: 8px; }
QFrame#drop[over="true"] { background: $wash; border-color: $accent; }
QProgressBar[kind="job"] { background: $groove; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar[kind="job"]::chunk { background: $accent; border-radius: 3px; }
QFrame#token_card { background: $surface; border: 1px solid $outline; border-radius: 8px; }
QFrame#chip { background: $wash; border-radius: 6px; }
QPlainTextEdit {
    background: $background; border: 1px solid $outline; border-radius: 6px; padding: 4px;
    placeholder-text-color: $muted;
}
QPlainTextEdit[readOnly="true"] { border-color: $hairline; }
QPlainTextEdit:focus { border-color: $accent; }
QPlainTextEdit[kind="completion"] { background: transparent; border: none; padding: 0; }
QFrame[kind="turn"] { background: transparent; border: 1px solid transparent; border-radius: 10px; }
QFrame[kind="turn"][role="user"] { background: $background; }
QFrame[kind="turn"][role="system"] { border: 1px dashed $hairline; }
QFrame[kind="turn"]:focus { border: 1px solid $accent; }
QFrame[kind="turn"][faded="true"] QTextEdit { color: $muted; }
QFrame[kind="turn"][role="assistant"] QLabel[kind="title"] { color: $accent; }
QPlainTextEdit[kind="composer"] { background: transparent; border: none; padding: 0; }
QTextEdit[kind="prompt"] {
    background: $background; border: 1px solid $hairline; border-radius: 6px; padding: 4px;
    selection-background-color: $selection; selection-color: $text;
}
QTextEdit[kind="prompt"]:focus { border-color: $accent; }
QRadioButton { spacing: 8px; }
QRadioButton::indicator {
    width: 14px; height: 14px; border: 1px solid $outline; border-radius: 8px; background: $raised;
}
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $accent; background: $on_accent; }
QRadioButton::indicator:focus { border-color: $accent; }
QRadioButton::indicator:disabled { border-color: $hairline; }
QRadioButton:disabled { color: $disabled; }
""")


def stylesheet(colours: Colours) -> str:
    """The style sheet in these colours; titles, figures and icons grow with the system's font."""
    return _TEMPLATE.substitute(
        asdict(colours),
        inner=control_height() - 2,
        compact=control_height() - 10,
        focus_inner=control_height() - 4,
        icon=scaled(SIZE),
        alone=scaled(18),
        row=scaled(26),
        chip_icon=scaled(12),
        small=scaled(20),
        headline=scaled(16),
        figure=scaled(20),
        smallest_figure=scaled(13),
        run_card=scaled(80) - 2,
        help_radius=scaled(16) // 2,
        help_size=scaled(11),
        disabled=mix(colours.muted, colours.surface, 0.55),
        hover=mix(colours.text, colours.surface, 0.06),
        outline=outline(colours),
        groove=mix(colours.text, colours.surface, 0.12),
        scroll=mix(colours.text, colours.surface, 0.22),
        selection=mix(colours.accent, colours.surface, 0.35),
    )


def control_height() -> int:
    """Height of every button, field and box, in pixels: 32, and more where the system's font is large."""
    return max(_CONTROL_HEIGHT, QFontMetrics(QGuiApplication.font()).height() + _CONTROL_PADDING)


def outline(colours: Colours) -> str:
    """The line around what can be typed into or chosen from: it can be told from what it stands on (WCAG 1.4.11)."""
    return mix(colours.text, colours.surface, 0.5)


@cache
def mix(front: str, back: str, share: float) -> str:
    """The colour that ``front`` gives when it covers ``back`` by ``share``."""
    pairs = ((int(front[i : i + 2], 16), int(back[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * f + (1 - share) * b):02X}" for f, b in pairs)
