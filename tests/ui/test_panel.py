"""The decoding panel: what it shows is what holds, and nothing typed is lost or crashes."""

import html
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.inference.sampling.fields import Group
from gptdesk.inference.sampling.presets import apply_preset, name_of
from gptdesk.inference.sampling.settings import PRESETS, SETTINGS, DecodingSettings
from gptdesk.ui.decoding.escapes import read_escapes, write_escapes
from gptdesk.ui.decoding.panel import DecodingPanel
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.help_mark import HelpMark
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.widgets.note import Note


@pytest.fixture
def settings(folders: Folders) -> Iterator[SavedSettings]:
    service = SavedSettings(folders.config / "settings.json")
    yield service
    service.flush()


@pytest.fixture
def panel(theme: Theme, settings: SavedSettings, qtbot: QtBot) -> DecodingPanel:
    made = DecodingPanel(theme, settings)
    qtbot.addWidget(made)
    made.resize(312, 800)
    made.show()
    return made


WITHOUT_NUMBER = ("seed", "stop", "dry_breakers", "logit_bias", "sampler_order")


def choose(panel: DecodingPanel, name: str) -> None:
    box = panel.presets.box
    box.setCurrentText(name)
    box.activated.emit(box.findText(name))


def answer(panel: DecodingPanel, name: str) -> None:
    dialog = panel.findChildren(NameDialog)[-1]
    dialog.line.setText(name)
    dialog.accept_button.click()


def test_a_row_changes_the_settings_and_the_settings_change_a_row(
    panel: DecodingPanel, settings: SavedSettings
) -> None:
    panel.rows["temperature"].box.setValue(0.35)
    assert settings.value.decoding.temperature == 0.35
    settings.update(decoding=replace(settings.value.decoding, top_k=7))
    assert panel.rows["top_k"].value == 7


def test_a_value_finer_than_its_box_is_not_rounded_by_looking_at_it(
    panel: DecodingPanel, settings: SavedSettings
) -> None:
    settings.update(decoding=replace(settings.value.decoding, top_p=0.12345))
    panel.rows["temperature"].box.setValue(0.5)
    assert settings.value.decoding.top_p == 0.12345


def test_a_preset_keeps_length_stop_strings_and_seed(panel: DecodingPanel, settings: SavedSettings) -> None:
    mine = DecodingSettings(max_tokens=7, stop=("x",), seed=5)
    settings.update(decoding=mine)
    for name, preset in PRESETS.items():
        choose(panel, name)
        assert settings.value.decoding == apply_preset(preset, mine)
        assert panel.presets.box.currentText() == name
        assert settings.value.decoding.seed == 5


def test_speculative_tokens_are_off_at_first_and_stay_when_a_preset_is_taken(
    panel: DecodingPanel, settings: SavedSettings
) -> None:
    assert panel.rows["prompt_lookup"].box.text() == "off"
    panel.rows["prompt_lookup"].box.setValue(4)
    assert settings.value.decoding.prompt_lookup == 4
    choose(panel, "Greedy")
    assert settings.value.decoding.prompt_lookup == 4
    settings.update(decoding=replace(settings.value.decoding, prompt_lookup=2))
    assert panel.rows["prompt_lookup"].value == 2


def test_groups_open_and_close_and_stay_so(panel: DecodingPanel, theme: Theme, settings: SavedSettings) -> None:
    row = panel.rows["top_k"]
    assert row.isVisibleTo(panel)
    assert not panel.rows["prompt_lookup"].isVisibleTo(panel)
    for group in (Group.CUTOFFS, Group.OTHER):
        panel.sections[group].button.click()
    assert not row.isVisibleTo(panel)
    assert panel.rows["prompt_lookup"].isVisibleTo(panel)
    again = DecodingPanel(theme, settings)
    closed = [group for group, section in again.sections.items() if not section.is_open]
    assert closed == [Group.CUTOFFS, Group.REPETITION]


def test_a_closed_group_names_the_settings_that_are_not_neutral(panel: DecodingPanel, settings: SavedSettings) -> None:
    section = panel.sections[Group.CUTOFFS]
    assert section.caption.text() == ""
    section.button.click()
    assert section.caption.text() == "Top-k, Top-p"
    panel.neutral.click()
    assert section.caption.text() == ""


def test_a_closed_group_names_biased_tokens_once(panel: DecodingPanel, settings: SavedSettings) -> None:
    settings.update(decoding=settings.value.decoding.with_bias("a" * 64, 5, -100.0))
    assert panel.sections[Group.OTHER].caption.text() == "Logit bias"


def test_every_setting_of_the_table_with_a_control_has_a_row_in_its_group(panel: DecodingPanel) -> None:
    assert {name for name, setting in SETTINGS.items() if setting.control} == set(panel.rows)
    for name, row in panel.rows.items():
        assert panel.sections[SETTINGS[name].group].isAncestorOf(row)
        assert row.sizeHint().height() <= 46


def test_a_setting_of_words_is_a_list_in_its_group(panel: DecodingPanel, settings: SavedSettings) -> None:
    assert set(panel.choices) == {name for name, setting in SETTINGS.items() if setting.choices}
    until = panel.choices["until"]
    assert panel.sections[Group.LENGTH].isAncestorOf(until)
    for unit in ("sentence", "paragraph"):
        QTest.keyClick(until.box, Qt.Key.Key_Down)
        assert settings.value.decoding.until == unit
    settings.update(decoding=replace(settings.value.decoding, until="line"))
    assert until.box.currentText() == "Line"


def test_settings_that_are_no_preset_are_called_custom(panel: DecodingPanel) -> None:
    panel.rows["temperature"].box.setValue(0.123)
    assert panel.presets.box.currentText() == "Custom"
    choose(panel, "Balanced")
    assert panel.presets.box.findText("Custom") == -1


def test_own_presets_are_saved_renamed_and_deleted(panel: DecodingPanel, settings: SavedSettings) -> None:
    panel.rows["temperature"].box.setValue(2.0)
    assert not panel.presets.delete_action.isEnabled()
    panel.presets.save_action.trigger()
    answer(panel, " Wild ")
    assert panel.presets.box.currentText() == "Wild"
    choose(panel, "Greedy")
    choose(panel, "Wild")
    assert settings.value.decoding.temperature == 2.0
    panel.presets.rename_action.trigger()
    answer(panel, "Wilder")
    assert list(settings.value.presets) == ["Wilder"]
    panel.presets.delete_action.trigger()
    assert not settings.value.presets
    assert panel.presets.box.currentText() == "Custom"


@pytest.mark.parametrize("name", ["Greedy", "x" * 50, "  ", "a\u0007b"])
def test_a_name_that_cannot_be_used_is_refused_where_it_is_typed(panel: DecodingPanel, name: str) -> None:
    panel.presets.save_action.trigger()
    (dialog,) = panel.findChildren(NameDialog)
    dialog.line.setText(name)
    assert not dialog.accept_button.isEnabled()
    dialog.reject()


def test_neutral_is_the_models_own_distribution(panel: DecodingPanel, settings: SavedSettings) -> None:
    panel.neutral.click()
    assert name_of(settings.value.decoding, {}) is None
    assert settings.value.decoding == DecodingSettings(max_tokens=settings.value.decoding.max_tokens)
    assert panel.rows["top_p"].box.text() == "off"
    assert panel.rows["top_k"].box.text() == "off"
    assert panel.rows["temperature"].box.text() == "1.00"


def test_a_random_seed_is_drawn_and_the_cross_clears_it(panel: DecodingPanel, settings: SavedSettings) -> None:
    assert settings.value.decoding.seed is None
    panel.seed.dice.click()
    assert settings.value.decoding.seed == int(panel.seed.line.text())
    panel.seed.clear.trigger()
    assert settings.value.decoding.seed is None
    assert panel.seed.line.placeholderText() == "random"


def test_a_seed_may_be_as_large_as_the_engine_takes(panel: DecodingPanel, settings: SavedSettings) -> None:
    QTest.keyClicks(panel.seed.line, "9999999999999999999999")
    QTest.keyClick(panel.seed.line, Qt.Key.Key_Return)
    assert settings.value.decoding.seed == 2**63 - 1
    assert panel.seed.line.text() == str(2**63 - 1)


def test_stop_strings_are_added_with_escapes_and_removed(panel: DecodingPanel, settings: SavedSettings) -> None:
    for typed in (r"\n\n", "THE END"):
        QTest.keyClicks(panel.stop.line, typed)
        QTest.keyClick(panel.stop.line, Qt.Key.Key_Return)
    assert settings.value.decoding.stop == ("\n\n", "THE END")
    next(b for b in panel.stop.findChildren(QAbstractButton) if b.accessibleName() == r"Remove \n\n").click()
    assert settings.value.decoding.stop == ("THE END",)


def test_a_stop_string_that_cannot_be_is_refused_with_a_sentence(
    panel: DecodingPanel, settings: SavedSettings, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(panel.refused) as refused:
        QTest.keyClicks(panel.stop.line, r"a\q")
        QTest.keyClick(panel.stop.line, Qt.Key.Key_Return)
    assert "means nothing" in refused.args[0]
    assert panel.stop.line.text() == r"a\q"
    assert settings.value.decoding.stop == ()


@pytest.mark.parametrize("text", ["\n", "\t", "\\", "a\\nb", "x", "\n\\\t"])
def test_escapes_are_read_as_they_are_written(text: str) -> None:
    assert read_escapes(write_escapes(text)) == text


def test_spaces_at_the_ends_are_shown() -> None:
    assert write_escapes("  a b ") == "␣␣a b␣"
    assert write_escapes("  ") == "␣␣"


@pytest.mark.parametrize("text", ["\\", "a\\x", "\\\\\\"])
def test_a_lonely_backslash_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_escapes(text)


@pytest.mark.parametrize(("name", "typed"), [("temperature", "99"), ("top_p", "2"), ("max_tokens", "0")])
def test_a_number_that_cannot_be_is_refused_beside_its_box(
    panel: DecodingPanel, settings: SavedSettings, qtbot: QtBot, name: str, typed: str
) -> None:
    before = settings.value.decoding
    box = panel.rows[name].box
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    (note,) = panel.window().findChildren(Note)
    assert note.text().startswith(f"{typed} cannot be used: ")
    assert note.isVisibleTo(panel.window())
    assert settings.value.decoding == before
    QTest.keyClicks(box, "1")
    assert not note.isVisibleTo(panel.window())


def test_the_panel_says_that_a_slider_leaves_the_text_as_it_is(panel: DecodingPanel) -> None:
    assert any("the text stays as it is" in label.text() for label in panel.findChildren(QLabel))


def test_nothing_of_the_panel_is_cut_off_with_a_large_font(panel: DecodingPanel, qapp: QApplication) -> None:
    before = qapp.font()
    font = QFont(before)
    font.setPixelSize(24)
    qapp.setFont(font)
    try:
        panel.seed.show_used(1_298_914_424)
        QApplication.processEvents()
        contents = panel.widget()
        assert contents.minimumSizeHint().width() <= panel.viewport().width()
        assert contents.width() <= panel.viewport().width()
    finally:
        qapp.setFont(before)


def test_what_is_dropped_on_a_line_of_the_panel_is_left_to_the_page(panel: DecodingPanel) -> None:
    lines = panel.findChildren(QLineEdit)
    assert panel.stop.line in lines
    assert not any(line.acceptDrops() for line in lines)


def test_the_rows_of_a_closed_group_are_made_when_it_is_opened(panel: DecodingPanel) -> None:
    """They take a tenth of the time in which the window is made."""

    def titles() -> set[str]:
        return {mark.accessibleName() for mark in panel.findChildren(HelpMark)}

    assert "About Repetition penalty" not in titles()
    panel.sections[SETTINGS["repetition_penalty"].group].button.click()
    assert "About Repetition penalty" in titles()


def test_every_setting_of_the_panel_has_a_question_mark_that_explains_it(panel: DecodingPanel) -> None:
    shown = [setting for setting in SETTINGS.values() if setting.name in (*panel.rows, *panel.choices, *WITHOUT_NUMBER)]
    marks = {mark.accessibleName(): mark for mark in panel.findChildren(HelpMark)}
    assert set(marks) == {f"About {setting.title}" for setting in shown}
    for setting in shown:
        assert html.escape(setting.help) in marks[f"About {setting.title}"].toolTip()


def test_rarely_used_settings_stand_under_more(panel: DecodingPanel, settings: SavedSettings) -> None:
    typical = panel.rows["typical_p"]
    assert not typical.isVisibleTo(panel)
    assert panel.rows["top_p"].isVisibleTo(panel)
    more = panel.more[Group.CUTOFFS]
    settings.update(decoding=replace(settings.value.decoding, typical_p=0.9))
    assert more.caption.text() == "Typical-p"
    more.button.click()
    assert typical.isVisibleTo(panel)
    assert typical.value == 0.9
    assert more.caption.text() == ""
    for name, row in panel.rows.items():
        group = SETTINGS[name].group
        assert (group in panel.more and panel.more[group].isAncestorOf(row)) == SETTINGS[name].rare


def shown_order(panel: DecodingPanel) -> list[str]:
    assert panel.order is not None
    return [panel.order.list.item(row).text() for row in range(panel.order.list.count())]


def test_more_of_a_closed_group_is_hidden_with_it(panel: DecodingPanel) -> None:
    for group, more in panel.more.items():
        panel.sections[group].set_open(False)
        assert not more.isVisible(), group
        panel.sections[group].set_open(True)
        assert more.isVisible(), group


def test_the_order_of_samplers_is_shown_and_changed(panel: DecodingPanel, settings: SavedSettings) -> None:
    assert panel.rows
    assert panel.order is not None
    order = panel.order
    assert shown_order(panel).index("Temperature") < shown_order(panel).index("Top-p")
    order.list.setCurrentRow(shown_order(panel).index("Top-p"))
    while order.list.currentRow():
        order.earlier.click()
    assert shown_order(panel)[0] == "Top-p"
    assert settings.value.decoding.sampler_order[0] == "top_p"
    QTest.keyClick(order.list, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert settings.value.decoding.sampler_order[1] == "top_p"
    order.default.click()
    assert settings.value.decoding.sampler_order == ()
    assert not order.default.isEnabled()


def test_an_order_of_samplers_stays_as_it_was_given_while_other_settings_change(
    panel: DecodingPanel, settings: SavedSettings
) -> None:
    assert panel.rows
    settings.update(decoding=replace(settings.value.decoding, sampler_order=("top_p", "temperature")))
    assert shown_order(panel).index("Top-p") < shown_order(panel).index("Temperature")
    panel.rows["temperature"].box.setValue(0.35)
    assert settings.value.decoding.sampler_order == ("top_p", "temperature")


def test_sequence_breakers_are_added_and_removed(panel: DecodingPanel, settings: SavedSettings) -> None:
    assert panel.rows
    QTest.keyClicks(panel.breakers.line, ";")
    QTest.keyClick(panel.breakers.line, Qt.Key.Key_Return)
    assert settings.value.decoding.dry_breakers == ("\n", ":", '"', "*", ";")
