"""The window around the page: names for everything, the keyboard, menus, messages, geometry."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import asdict
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.file_names import file_name
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.window.help.about import AboutDialog, LicencesDialog
from gptdesk.ui.window.page_list import PAGES
from gptdesk.ui.window.process.crash import CrashDialog, CrashHandler

from .conftest import Opened

CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QTextEdit)


def controls(root: QWidget) -> list[QWidget]:
    """What a person can use; parts that Qt makes inside them are theirs to name."""
    inner = (QComboBox, QAbstractSpinBox, QLineEdit, QScrollBar)
    found = [widget for kind in CONTROLS for widget in root.findChildren(kind)]
    return [w for w in found if not isinstance(w, QScrollBar) and not isinstance(w.parent(), inner)]


def nameless(root: QWidget) -> list[str]:
    names = [(w, QAccessible.queryAccessibleInterface(w).text(QAccessible.Text.Name)) for w in controls(root)]
    return [f"{type(widget).__name__} in {type(widget.parent()).__name__}" for widget, name in names if not name]


def test_every_control_has_a_name(opened: Opened) -> None:
    panel = opened.window.playground.panel
    panel.stop.set_values(("\n\n",))
    opened.services.messages.show("Something happened.", offers=[("Do it", lambda: None)])
    opened.services.messages.toast("Saved.", offers=[("Show", lambda: None)])
    assert len(controls(opened.window)) > 30
    assert nameless(opened.window) == []


class Silent:
    """Answers nothing about the program."""

    def licences(self, done: object) -> None:
        pass


@pytest.mark.parametrize(
    "make",
    [
        lambda: AboutDialog(Silent()),
        lambda: LicencesDialog(Silent()),
        lambda: CrashDialog("report", Path("/logs")),
        lambda: NameDialog("Save preset", "", str),
    ],
)
def test_every_control_of_the_dialogs_has_a_name(make: Callable[[], QDialog], theme: Theme, qtbot: QtBot) -> None:
    dialog = make()
    qtbot.addWidget(dialog)
    assert nameless(dialog) == []


def test_everything_can_be_reached_with_the_tabulator(opened: Opened, qapp: QApplication) -> None:
    window = opened.window
    window.playground.editor.replace_selection("Once")
    window.playground.editor.setFocus()
    reached = set()
    for _ in range(60):
        reached.add(qapp.focusWidget())
        QTest.keyClick(qapp.focusWidget(), Qt.Key.Key_Tab)
    usable = {w for w in controls(window) if w.isVisible() and w.isEnabled()}
    missing = {
        w.accessibleName() or type(w).__name__ for w in usable if w not in reached and w.focusProxy() not in reached
    }
    assert missing == set()


def test_one_can_write_as_soon_as_the_window_is_there(opened: Opened, qapp: QApplication) -> None:
    assert qapp.focusWidget() is opened.window.playground.editor


def test_tab_walks_from_the_text_to_the_buttons_below_it(opened: Opened, qapp: QApplication) -> None:
    opened.window.playground.editor.replace_selection("Once")
    opened.window.playground.editor.setFocus()
    QTest.keyClick(qapp.focusWidget(), Qt.Key.Key_Tab)
    assert qapp.focusWidget() is opened.window.playground.bar.generate


def test_a_click_on_generate_leaves_the_cursor_in_the_text(opened: Opened, qapp: QApplication, qtbot: QtBot) -> None:
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=3))
    opened.window.playground.editor.setFocus()
    QTest.mouseClick(opened.window.playground.bar.generate, Qt.MouseButton.LeftButton)
    assert qapp.focusWidget() is opened.window.playground.editor
    qtbot.waitUntil(lambda: not opened.window.session.busy)


def test_no_two_actions_have_the_same_shortcut(opened: Opened) -> None:
    actions = [*opened.window.actions(), *opened.window.playground.actions()]
    keys = [key.toString() for action in actions for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert {"Ctrl+Return", "Esc", "Ctrl+N", "Ctrl+Q"} <= set(keys)


def test_the_panel_is_folded_away_and_comes_back_with_a_key(opened: Opened) -> None:
    window = opened.window
    fold = next(action for action in window.actions() if action.shortcut().toString() == "Ctrl+.")
    for page in ("play", "models"):
        window.show_page(page)
        panel = window.contents.currentWidget().panel
        fold.trigger()
        assert not panel.isVisibleTo(window)
        fold.trigger()
        assert panel.isVisible()


@pytest.mark.parametrize("size", [(900, 600), (1000, 700), (1320, 820), (2560, 1440)])
def test_nothing_is_cut_off_at_any_size(opened: Opened, size: tuple[int, int]) -> None:
    window = opened.window
    window.resize(*size)
    QApplication.processEvents()
    assert (window.width(), window.height()) == size
    for bar in (window.top_bar, window.playground.bar, window.status, window.rail):
        for child in bar.findChildren(QAbstractButton):
            if child.isVisible():
                corner = child.mapTo(bar, QPoint(child.width(), child.height()))
                assert corner.x() <= bar.width()
                assert corner.y() <= bar.height()
    shown = [w for w in window.top_bar.findChildren(QAbstractButton) if w.isVisible()]
    places = sorted((w.mapTo(window, QPoint()).x(), w.width()) for w in shown)
    assert all(x + width <= places[i + 1][0] for i, (x, width) in enumerate(places[:-1]))


def test_controls_of_one_kind_have_one_height(opened: Opened) -> None:
    kinds = (QAbstractSpinBox, QComboBox)
    shown = [w for w in controls(opened.window) if isinstance(w, kinds) and w.isVisible()]
    buttons = opened.window.playground.bar.findChildren(QAbstractButton)
    compact = [w for w in shown if w.property("kind") == "compact"]
    assert {w.height() for w in compact} == {24}
    assert {w.height() for w in [*shown, *buttons, opened.window.chooser] if w not in compact} == {32}


@pytest.mark.qt_log_ignore("does not support raise")
def test_a_second_start_brings_a_minimised_window_to_the_front(opened: Opened) -> None:
    opened.window.showMinimized()
    opened.window.bring_to_front()
    assert not opened.window.isMinimized()
    assert opened.window.isVisible()


def menu_texts(menu: QWidget) -> list[str]:
    return [action.text() for action in menu.actions()]


def test_the_menu_lists_the_documents_of_the_person(opened: Opened, qtbot: QtBot) -> None:
    QTest.keyClicks(opened.window.playground.editor, "A & B")
    opened.window.session.flush()
    qtbot.waitUntil(lambda: len(opened.services.storage.entries()) == 1)
    menu = opened.window.menu.submenu("Recent documents")
    menu.aboutToShow.emit()
    assert menu_texts(menu)[0].startswith("A && B\t")
    opened.window.documents.new()
    menu.actions()[0].trigger()
    assert opened.window.session.document.text == "A & B"


def test_the_chooser_lists_what_there_is_and_marks_what_is_chosen(
    opened: Opened, tiny_model_folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: opened.services.models.looked)
    opened.window.chooser.choose(str(tiny_model_folder))
    menu = opened.window.chooser.menu()
    menu.aboutToShow.emit()
    texts = menu_texts(menu)
    assert texts[0].startswith("stories")
    assert texts[-1] == "Open folder…"
    assert [action.text() for action in menu.actions() if action.isChecked()] == ["tiny"]


def test_a_folder_is_chosen_in_a_dialog(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "nothing here"))
    opened.window.chooser.open_folder()
    qtbot.waitUntil(lambda: len(opened.window.banners.texts) == 1, timeout=600_000)
    assert "nothing here" in opened.window.banners.texts[0]


def test_the_device_menu_changes_the_settings(opened: Opened) -> None:
    menu = opened.window.device.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == "CPU").trigger()
    assert opened.services.settings.value.device == "cpu"


@pytest.mark.parametrize(("title", "name"), [('What? "Yes": a/b\\c', "What Yes a b c"), ("...", "text"), ("é", "é")])
def test_a_title_becomes_a_file_name_anywhere(title: str, name: str) -> None:
    assert " ".join(file_name(title).split()) == name


def test_a_mistake_of_ours_is_shown_and_the_window_lives_on(
    opened: Opened, qtbot: QtBot, qapp: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    handler = CrashHandler(opened.services.folders.logs)
    handler.install(opened.window)
    try:
        raise RuntimeError("on purpose")
    except RuntimeError as error:
        handler._on_exception(RuntimeError, error, error.__traceback__)
    finally:
        handler.remove()
    (dialog,) = opened.window.findChildren(CrashDialog)
    next(b for b in dialog.findChildren(QAbstractButton) if b.text() == "Copy").click()
    assert "RuntimeError: on purpose" in qapp.clipboard().text()
    assert str(opened.services.folders.logs) in "".join(
        w.text() for w in dialog.findChildren(type(opened.window.status.state))
    )
    dialog.accept()
    qtbot.waitUntil(lambda: opened.window.findChildren(CrashDialog) == [])
    QTest.keyClicks(opened.window.playground.editor, "on")
    assert opened.window.session.document.text == "on"
    assert [record.msg for record in caplog.records] == ["unhandled exception:\n%s"]


def test_a_mistake_in_the_thread_of_the_model_is_shown_too(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from gptdesk.inference.engine import Engine

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(Engine, "generate", fail)
    with qtbot.waitSignal(opened.services.messages.crashed) as caught:
        opened.window.playground.generate.trigger()
    assert "on purpose" in caught.args[0]
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    assert opened.window.banners.texts == ["RuntimeError: on purpose"]


def test_a_mistake_in_a_thread_of_the_new_run_sheet_is_shown_above_it(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from gptdesk.ui.train.new_run.draft import tasks

    def fail(*_: object) -> None:
        raise KeyError("on purpose")

    monkeypatch.setattr(tasks, "work_out", fail)
    window = opened.window
    handler = CrashHandler(opened.services.folders.logs)
    handler.install(window)
    try:
        window.show_page("train")
        assert window.train is not None
        window.train.new_run()
        qtbot.waitUntil(lambda: window.findChildren(CrashDialog) != [], timeout=60_000)
        (dialog,) = window.findChildren(CrashDialog)
        assert "KeyError: 'on purpose'" in "".join(text.toPlainText() for text in dialog.findChildren(QPlainTextEdit))
        go_on = next(button for button in dialog.findChildren(QAbstractButton) if button.text() == "Continue")
        QTest.mouseClick(go_on, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: window.findChildren(CrashDialog) == [])
        assert window.train.sheet is not None
        assert window.train.sheet.isVisible()
        window.train.sheet.reject()
        qtbot.waitUntil(lambda: window.train.sheet is None, timeout=60_000)
    finally:
        handler.remove()


def test_a_mistake_in_any_background_task_is_shown(
    opened: Opened, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    window = opened.window
    window.show_page("models")
    window.show_page("train")
    assert window.train is not None
    window.train.new_run()
    sheet = window.train.sheet
    assert sheet is not None
    services = [part for part in asdict(opened.services).values() if isinstance(part, QObject)]
    queues = {queue for root in (window, *services) for queue in root.findChildren(TaskQueue)}
    assert {"new run", "files", "models", "model jobs", "runs", "storage", "curves"} <= {queue.name for queue in queues}
    handler = CrashHandler(opened.services.folders.logs)
    handler.install(window)
    try:
        for queue in queues:
            with qtbot.waitSignal(handler.caught) as caught:
                queue.run(lambda name=queue.name: {}[name])
            assert f"KeyError: '{queue.name}'" in caught.args[0]
        for dialog in window.findChildren(CrashDialog):
            dialog.accept()
    finally:
        handler.remove()
    sheet.reject()
    qtbot.waitUntil(lambda: window.train is not None and window.train.sheet is None, timeout=60_000)
    logged = {record.msg for record in caplog.records if record.levelname in ("WARNING", "ERROR")}
    assert logged == {"a background task failed", "unhandled exception:\n%s"}


def test_full_memory_is_a_sentence(opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    from gptdesk.inference.engine import Engine

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Engine, "generate", fail)
    QTest.keyClicks(opened.window.playground.editor, "Once")
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: len(opened.window.banners.texts) == 1)
    assert "memory is full" in opened.window.banners.texts[0]
    assert opened.window.session.document.text == "Once"


def test_f6_goes_round_the_parts_of_the_window_and_back_to_where_one_was(opened: Opened, qapp: QApplication) -> None:
    window = opened.window
    window.playground.editor.setFocus()
    opened.services.messages.show("Something happened.")
    begin, seen = qapp.focusWidget(), []
    for _ in range(8):
        window.regions.go(1)
        seen.append(qapp.focusWidget())
        if seen[-1] is begin:
            break
    assert seen[-1] is begin
    parts = (window.playground.bar, window.playground.panel, window.banners, window.rail, window.top_bar)
    assert all(any(part.isAncestorOf(widget) for widget in seen) for part in parts)
    window.regions.go(-1)
    assert window.top_bar.isAncestorOf(qapp.focusWidget())
    window.regions.go(1)
    assert qapp.focusWidget() is begin


def test_no_tooltip_is_one_long_line(opened: Opened, qtbot: QtBot) -> None:
    for page in PAGES.ids:
        opened.window.show_page(page)
    tips = {w.toolTip() for w in opened.window.findChildren(QWidget) if not w.toolTip().startswith("<qt>")}
    assert [tip for tip in tips if any(len(line) > 80 for line in tip.splitlines())] == []


@pytest.mark.parametrize("width", [900, 1366, 2560])
def test_the_device_keeps_its_width_while_the_title_has_room(opened: Opened, width: int) -> None:
    window = opened.window
    window.resize(width, 700)
    window.playground.editor.replace_selection("A document with a title that is rather long, as they are")
    QApplication.processEvents()
    assert window.device.width() >= window.device.sizeHint().width()
    if width == 2560:
        assert window.chooser.width() >= window.chooser.sizeHint().width()
        assert window.title.width() == window.title.sizeHint().width()


def test_long_tooltips_wrap(opened: Opened) -> None:
    for page in ("play", "models", "train"):
        opened.window.show_page(page)
    plain = {
        w.toolTip() for w in opened.window.findChildren(QWidget) if len(w.toolTip()) > 60 and "<qt>" not in w.toolTip()
    }
    assert plain == set()


def test_a_panel_that_was_hidden_stays_hidden_after_a_restart(open_window: Callable[..., Opened]) -> None:
    opened = open_window()
    opened.window.commands.run("view.panel")
    assert not opened.window.playground.panel.isVisibleTo(opened.window)
    opened.close()
    again = open_window().window
    assert again.playground.isVisibleTo(again)
    assert not again.playground.panel.isVisibleTo(again)


@pytest.mark.parametrize("page", ["play", "models"])
def test_a_narrow_window_hides_the_panel_until_it_is_asked_for(opened: Opened, page: str) -> None:
    window = opened.window
    window.show_page(page)
    panel = window.playground.panel if page == "play" else window.models.panel
    window.resize(720, 480)
    assert not panel.isVisibleTo(window)
    window.commands.run("view.panel")
    assert panel.isVisible()
    window.commands.run("view.panel")
    window.resize(1000, 700)
    assert panel.isVisible()


def test_ctrl_m_hides_the_marks_of_generated_text_and_that_is_remembered(
    opened: Opened, open_window: Callable[..., Opened], qapp: QApplication
) -> None:
    assert opened.services.settings.value.marks
    QTest.keyClick(opened.window.playground.editor, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert not opened.services.settings.value.marks
    assert not opened.window.playground.editor.marks_shown
    opened.close()
    assert not open_window().window.playground.editor.marks_shown


def test_nothing_keeps_a_closed_window(
    qapp: QApplication, folders: Folders, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    """Hundreds that stayed would make every later test slow."""

    def open_and_close() -> list[weakref.ref[QObject]]:
        one = Opened(qapp, folders, str(tiny_model_folder))
        qtbot.waitUntil(lambda: one.state is State.READY)
        parts = (one.window, one.window.session, one.window.playground)
        one.close()
        return [weakref.ref(part) for part in parts]

    kept = open_and_close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert [one for one in kept if one() is not None] == []
