"""Everything written can be read, in both themes (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from gptdesk.ui.icons import icon
from gptdesk.ui.palette import DARK, LIGHT, Colours
from gptdesk.ui.playground.editing.generated_marks import older_bar
from gptdesk.ui.stylesheet import mix, outline, stylesheet
from gptdesk.ui.theme import Theme

from .contrast import contrast

THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("front", ["text", "muted", "accent", "good", "warn", "bad"])
@pytest.mark.parametrize("back", ["background", "surface", "raised", "wash"])
def test_words_can_be_read(colours: Colours, front: str, back: str) -> None:
    assert contrast(getattr(colours, front), getattr(colours, back)) >= 4.5


@THEMES
@pytest.mark.parametrize("role", ["muted", "accent", "good", "warn", "bad"])
def test_words_on_a_wash_of_their_own_colour_can_be_read(colours: Colours, role: str) -> None:
    colour = getattr(colours, role)
    assert contrast(colour, mix(colour, colours.surface, 0.13)) >= 4.5


@THEMES
@pytest.mark.parametrize("back", ["background", "surface", "raised"])
def test_the_outline_of_a_control_can_be_seen(colours: Colours, back: str) -> None:
    assert contrast(outline(colours), getattr(colours, back)) >= 3


@THEMES
def test_words_on_colour_can_be_read(colours: Colours) -> None:
    assert contrast(colours.text, colours.wash) >= 4.5
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.on_accent, colours.accent_hover) >= 4.5


@THEMES
@pytest.mark.parametrize("back", ["background", "surface", "raised"])
def test_the_focus_can_be_seen(colours: Colours, back: str) -> None:
    assert contrast(colours.accent, getattr(colours, back)) >= 3


@THEMES
def test_the_style_sheet_is_filled_in(colours: Colours) -> None:
    sheet = stylesheet(colours)
    assert "$" not in sheet
    assert set(re.findall(r"#[0-9A-Fa-f]{6}\b", sheet)) >= {colours.accent, colours.text, colours.hairline}


def test_titles_and_figures_grow_with_the_systems_font(theme: Theme, qapp: QApplication) -> None:
    before = qapp.font()
    font = QFont(before)
    font.setPixelSize(26)
    try:
        qapp.setFont(font)
        assert 'QLabel[kind="headline"] { font-size: 32px;' in stylesheet(LIGHT)
        assert 'QLabel[kind="figure"] { font-size: 40px;' in stylesheet(LIGHT)
    finally:
        qapp.setFont(before)


def test_a_theme_that_is_set_stays_and_repaints_icons(theme: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    theme.set_icon(button, "plus", "text")
    before = button.icon().cacheKey()
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("dark")
    assert theme.dark
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == DARK.background
    assert button.icon().cacheKey() != before
    theme.set_mode("light")
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == LIGHT.background


def test_the_theme_follows_the_system(theme: Theme, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    theme.set_mode("system")
    assert not theme.dark
    # No system changes its mind for a test, so the signal is sent as Qt sends it.
    monkeypatch.setattr(theme, "_hints", _Dark())
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.colours is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == DARK.background


class _Dark:
    def colorScheme(self) -> Qt.ColorScheme:
        return Qt.ColorScheme.Dark


def test_every_icon_is_drawn_in_its_colour(qapp: QApplication) -> None:
    image = icon("stop", "#B42318").pixmap(16, 16).toImage()
    colours = [image.pixelColor(x, y) for x in range(16) for y in range(16)]
    strokes = [colour for colour in colours if colour.alpha() > 128]
    assert strokes
    assert all(abs(colour.hslHue() - 4) <= 2 for colour in strokes)


@THEMES
@pytest.mark.parametrize("back", ["background", "surface", "raised"])
def test_what_explains_an_empty_field_and_a_disabled_command_can_be_read(colours: Colours, back: str) -> None:
    sheet = stylesheet(colours)
    assert f"placeholder-text-color: {colours.muted}" in sheet
    assert f"QMenu::item:disabled {{ color: {colours.muted}; }}" in sheet
    assert contrast(colours.muted, getattr(colours, back)) >= 4.5


@THEMES
def test_every_button_has_an_outline_that_can_be_seen(colours: Colours) -> None:
    rule = re.search(r"QPushButton \{(.*?)\}", stylesheet(colours), re.DOTALL)
    assert rule is not None
    assert f"border: 1px solid {outline(colours)}" in rule[1]


@THEMES
def test_marks_of_generated_text_can_be_seen_and_words_on_the_tint_read(colours: Colours) -> None:
    assert contrast(colours.accent, colours.surface) >= 3
    assert contrast(older_bar(colours), colours.surface) >= 3
    assert contrast(colours.text, colours.wash) >= 4.5


@THEMES
@pytest.mark.parametrize("role", ["text", "muted", "accent", "good", "warn", "bad"])
def test_words_on_what_is_selected_or_hovered_can_be_read(colours: Colours, role: str) -> None:
    for back in (colours.wash, mix(colours.text, colours.surface, 0.06)):
        assert contrast(getattr(colours, role), back) >= 4.5
    for state in ("good", "warn", "bad", "accent"):  # "In use" and its like, on the card that is selected
        assert contrast(getattr(colours, state), mix(getattr(colours, state), colours.surface, 0.13)) >= 4.5
    assert contrast(colours.text, mix(colours.accent, colours.surface, 0.35)) >= 4.5
