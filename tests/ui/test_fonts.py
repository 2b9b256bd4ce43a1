"""The typefaces that ship: they load, have the weights that the look uses, and fall back for glyphs they lack."""

import pytest
from PySide6.QtGui import QFont, QFontDatabase, QFontInfo, QFontMetricsF, QRawFont
from PySide6.QtWidgets import QApplication

from gptdesk.resource_files import resource
from gptdesk.ui.fonts import INTERFACE, READING, interface_font, load_fonts, prose_font
from gptdesk.ui.theme import Theme

LARGEST = 1 << 20
"""Bytes of all font files together."""


def test_the_typefaces_load_and_are_used(theme: Theme, qapp: QApplication) -> None:
    assert load_fonts() == ()
    assert QFontInfo(qapp.font()).family() == INTERFACE
    assert QFontInfo(prose_font(18)).family() == READING


def test_labels_and_titles_have_weights_of_their_own(theme: Theme) -> None:
    assert {"Regular", "Medium", "SemiBold"} <= set(QFontDatabase.styles(INTERFACE))
    widths = []
    for weight in (QFont.Weight.Normal, QFont.Weight.Medium, QFont.Weight.DemiBold):
        font = interface_font()
        font.setPixelSize(100)
        font.setWeight(weight)
        widths.append(QFontMetricsF(font).horizontalAdvance("Temperature"))
    assert widths == sorted(set(widths))


def test_figures_have_one_width_and_hyphens_stay_narrow(theme: Theme) -> None:
    font = interface_font()
    font.setPixelSize(100)
    metrics = QFontMetricsF(font)
    assert len({round(metrics.horizontalAdvance(digit * 8)) for digit in "0123456789"}) == 1
    assert metrics.horizontalAdvance("-") < metrics.horizontalAdvance("0")


@pytest.mark.parametrize("family", [INTERFACE, READING])
def test_europe_s_alphabets_are_in_the_files(family: str, theme: Theme) -> None:
    raw = QRawFont.fromFont(QFont(family))
    for letter in "aéßłőŞđ Ωάж Щ“”…–—·×→":
        assert raw.supportsCharacter(ord(letter)), letter


def test_a_glyph_that_is_missing_comes_from_another_font(theme: Theme) -> None:
    assert not QRawFont.fromFont(QFont(INTERFACE)).supportsCharacter(ord("א"))
    assert QFontMetricsF(interface_font()).horizontalAdvance("א") > 0


def test_the_files_are_small_and_come_with_their_licences() -> None:
    folder = resource("fonts")
    assert sum(path.stat().st_size for path in folder.glob("*.ttf")) < LARGEST
    for family in (INTERFACE, READING):
        assert "SIL OPEN FONT LICENSE" in (folder / f"{family}-LICENSE.txt").read_text(encoding="utf-8").upper()
