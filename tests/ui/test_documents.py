"""Documents as a whole: named, copied, moved to the trash and restored; files come in and go out."""

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.recovery import Place
from gptdesk.ui.playground.documents import export
from gptdesk.ui.playground.editing.reading_place import reading_place
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.widgets.question import Question

from .conftest import Opened

NONE = Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def text_of(opened: Opened) -> str:
    return opened.window.session.document.text


def write(opened: Opened, *texts: str) -> list[str]:
    """Makes a document of each text and returns their ids; the last stays open."""
    ids = []
    for text in texts:
        opened.window.documents.new()
        opened.window.playground.editor.replace_selection(text)
        ids.append(opened.window.session.document.id)
    opened.window.session.flush()
    return ids


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(widget, key, modifiers)


def action(opened: Opened, text: str) -> QAction:
    return next(action for action in opened.window.menu.actions() if action.text() == text)


def name(opened: Opened, title: str) -> None:
    dialog = opened.window.findChildren(NameDialog)[-1]
    dialog.line.setText(title)
    dialog.accept_button.click()


def drop(widget: QWidget, data: QMimeData) -> None:
    """Drags ``data`` over the widget and drops it there."""
    actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPointF(5, 5).toPoint(), actions, data, buttons, NONE)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), actions, data, buttons, NONE))


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


# Titles and the trash


def test_a_title_that_a_person_gives_stays_when_the_text_changes(opened: Opened) -> None:
    write(opened, "First")
    press(opened.window, Qt.Key.Key_F2)
    name(opened, "Mine")
    opened.window.playground.editor.replace_selection(" and more")
    assert opened.window.title.text() == "Mine"
    assert [entry.title for entry in opened.window.documents.entries()] == ["Mine"]


def test_the_document_at_hand_is_deleted_and_the_next_one_opens(opened: Opened) -> None:
    _, second = write(opened, "One", "Two")
    opened.window.title.menu().aboutToShow.emit()
    next(a for a in opened.window.title.menu().actions() if a.text() == "Move to trash").trigger()
    assert text_of(opened) == "One"
    (card,) = opened.window.toasts.cards
    (undo,) = [offer for offer in card.message.offers if offer[0] == "Undo"]
    undo[1]()
    assert opened.window.session.document.id == second
    assert text_of(opened) == "Two"


def test_the_last_document_leaves_an_empty_one_and_an_empty_one_can_be_deleted(opened: Opened) -> None:
    write(opened, "One")
    for _ in range(2):
        opened.window.documents.delete_current()
        assert text_of(opened) == ""
        assert opened.window.documents.entries() == []


def test_a_letter_typed_just_before_deleting_does_not_bring_the_document_back(opened: Opened) -> None:
    write(opened, "One", "Two")
    QTest.keyClicks(opened.window.playground.editor, "x")
    opened.window.documents.delete_current()
    assert [entry.title for entry in opened.window.documents.entries()] == ["One"]


def test_the_count_of_the_document_before_is_never_shown_in_a_new_one(opened: Opened, qtbot: QtBot) -> None:
    shown = opened.window.status.tokens
    write(opened, "Once upon a time")
    qtbot.waitUntil(lambda: shown.text().startswith("4 of"), timeout=600_000)
    opened.window.documents.new()
    assert shown.text() == ""
    with qtbot.waitSignal(opened.services.counter.counted, timeout=600_000) as counted:
        pass
    assert counted.args[0].context == 0


def test_the_reading_position_comes_back_with_the_document_and_after_a_restart(open_window: Any, qtbot: QtBot) -> None:
    first = open_window()
    (id,) = write(first, "\n".join(f"line {number}" for number in range(300)))
    editor = first.window.playground.editor
    editor.show_place(1_000)
    top = reading_place(editor).top
    assert 500 < top < 1_000
    first.window.documents.new()
    assert reading_place(editor).caret == 0
    first.window.documents.open(id)
    qtbot.waitUntil(lambda: reading_place(editor) == Place(caret=1_000, top=top))
    first.close()
    second = open_window(None)
    qtbot.waitUntil(lambda: reading_place(second.window.playground.editor) == Place(caret=1_000, top=top))
    second.window.documents.new()
    assert [entry.id for entry in second.window.documents.entries()] == [id]


# Settings of a document


def test_settings_belong_to_their_document(opened: Opened) -> None:
    first, second = write(opened, "One", "Two")
    panel = opened.window.playground.panel
    before = opened.services.settings.value.decoding
    QTest.keyClicks(panel.stop.line, "END")
    press(panel.stop.line, Qt.Key.Key_Return)
    panel.seed.line.setText("7")
    panel.seed.changed.emit()
    panel.rows["temperature"].box.setValue(0.3)
    opened.window.documents.open(first)
    assert opened.services.settings.value.decoding == before
    assert panel.stop.values == ()
    opened.window.documents.new()
    assert opened.services.settings.value.decoding == before
    opened.window.documents.open(second)
    assert panel.stop.values == ("END",)
    assert panel.seed.value == 7
    assert panel.rows["temperature"].value == 0.3


def test_settings_of_a_document_can_be_used_for_new_ones(opened: Opened) -> None:
    panel = opened.window.playground.panel
    write(opened, "One")
    assert not panel.for_new.isEnabled()
    panel.rows["temperature"].box.setValue(0.3)
    panel.for_new.click()
    opened.window.documents.new()
    assert panel.rows["temperature"].value == 0.3
    assert not panel.for_new.isEnabled()


def test_settings_of_a_document_come_back_after_a_restart(open_window: Any) -> None:
    first = open_window()
    (id,) = write(first, "One")
    first.services.settings.update(decoding=DecodingSettings(temperature=0.3, stop=("x",)))
    first.window.documents.new()
    first.close()
    second = open_window(None)
    assert second.services.settings.value.decoding.temperature != 0.3
    second.window.documents.open(id)
    assert second.services.settings.value.decoding == DecodingSettings(temperature=0.3, stop=("x",))


# Files


def test_dropped_files_become_documents_and_no_address_becomes_text(
    opened: Opened, tmp_path: Path, qtbot: QtBot
) -> None:
    write(opened, "What is there")
    one, two = tmp_path / "one.txt", tmp_path / "Kapitel 2.md"
    one.write_bytes(b"First file\r\nsecond line")
    two.write_bytes("# Überschrift".encode("utf-16"))
    for target in (opened.window.playground.editor.viewport(), opened.window.playground.panel):
        data = files(one, two)
        drop(target if target is not opened.window.playground.panel else opened.window.playground, data)
        qtbot.waitUntil(lambda: text_of(opened) == "# Überschrift", timeout=600_000)
        assert opened.window.title.text() == "Kapitel 2"
    assert not opened.window.playground.undo.isEnabled()
    found = {}
    for entry in opened.window.documents.entries():
        opened.window.documents.open(entry.id)
        found[entry.title] = text_of(opened)
    assert found == {"What is there": "What is there", "one": "First file\nsecond line", "Kapitel 2": "# Überschrift"}


def test_a_pasted_file_is_opened_and_an_address_of_the_web_is_text(
    opened: Opened, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "one.txt"
    path.write_text("The file")
    opened.window.playground.editor.insertFromMimeData(files(path))
    qtbot.waitUntil(lambda: text_of(opened) == "The file", timeout=600_000)
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/")])
    opened.window.playground.editor.insertFromMimeData(data)
    assert text_of(opened) == "The filehttps://example.org/"


def test_files_are_opened_in_a_dialog_that_remembers_the_folder(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    path = tmp_path / "story.txt"
    path.write_text("Once upon a time")
    asked = []

    def answer(_: QWidget, __: str, folder: str, ___: str) -> tuple[list[str], str]:
        asked.append(folder)
        return [str(path)], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", answer)
    press(opened.window, Qt.Key.Key_O, CONTROL | SHIFT)
    qtbot.waitUntil(lambda: text_of(opened) == "Once upon a time", timeout=600_000)
    opened.window.files.ask_files()
    assert asked == [str(Path.home()), str(tmp_path)]


def test_what_is_no_text_is_one_sentence_and_changes_nothing(opened: Opened, tmp_path: Path, qtbot: QtBot) -> None:
    write(opened, "What is there")
    binary = tmp_path / "picture.txt"
    binary.write_bytes(os.urandom(2000))
    opened.window.files.open_files([binary])
    messages = opened.services.messages
    qtbot.waitUntil(lambda: any("picture.txt" in m.text for m in messages.banners.values()), timeout=600_000)
    assert text_of(opened) == "What is there"
    good = tmp_path / "good.txt"
    good.write_text("good")
    opened.window.files.open_files([good])
    qtbot.waitUntil(lambda: text_of(opened) == "good", timeout=600_000)
    assert not messages.banners


def test_a_thousand_files_are_not_opened(opened: Opened, tmp_path: Path) -> None:
    opened.window.files.open_files([tmp_path / f"{number}.txt" for number in range(1000)])
    assert any("1000 files" in message.text for message in opened.services.messages.banners.values())


class SaveDialog:
    """Stands for the system's dialog: what it was asked, and what the person answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places: list[str] = []
        self.filters: list[str] = []
        self.answer = ("", "")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", self)

    def __call__(self, _: QWidget, __: str, place: str, filters: str, *rest: object) -> tuple[str, str]:
        self.places.append(place)
        self.filters.append(filters)
        return self.answer


@pytest.fixture
def save_dialog(monkeypatch: pytest.MonkeyPatch) -> SaveDialog:
    return SaveDialog(monkeypatch)


def test_a_text_is_saved_to_its_own_file_without_asking_again(
    opened: Opened, tmp_path: Path, save_dialog: SaveDialog
) -> None:
    write(opened, "Es war einmal\nein 😀")
    path = tmp_path / "Straße.txt"
    save_dialog.answer = (str(path), "")
    press(opened.window, Qt.Key.Key_S, CONTROL)
    assert path.read_bytes() == "Es war einmal\nein 😀".encode()
    opened.window.playground.editor.replace_selection("!")
    press(opened.window, Qt.Key.Key_S, CONTROL)
    assert path.read_text(encoding="utf-8").endswith("!")
    assert len(save_dialog.places) == 1
    action(opened, "Save to file as…").trigger()
    assert save_dialog.places[1] == str(path)
    assert not opened.window.findChildren(Question)
    write(opened, "Another")
    press(opened.window, Qt.Key.Key_S, CONTROL)
    assert save_dialog.places[2] == str(tmp_path / "Another.txt")


def test_another_file_is_replaced_only_when_the_person_says_so(
    opened: Opened, tmp_path: Path, save_dialog: SaveDialog
) -> None:
    write(opened, "New")
    path = tmp_path / "old.txt"
    path.write_text("Old")
    save_dialog.answer = (str(path), "")
    opened.window.files.save_as()
    question = opened.window.findChildren(Question)[-1]
    question.reject()
    assert path.read_text() == "Old"
    opened.window.files.save_as()
    opened.window.findChildren(Question)[-1].buttons[0].click()
    assert path.read_text() == "New"


def test_markdown_is_saved_with_its_suffix(opened: Opened, tmp_path: Path, save_dialog: SaveDialog) -> None:
    write(opened, "# Title v1.2")
    save_dialog.answer = (str(tmp_path / "v1.2"), "Markdown (*.md)")
    opened.window.files.save_as()
    assert (tmp_path / "v1.2.md").read_text() == "# Title v1.2"


@pytest.mark.parametrize(
    ("name", "chosen", "written", "begins"),
    [
        ("Once.txt", "JSON with tokens (*.json)", "Once.json", b'{\n "format": "gptdesk document"'),
        ("Once.txt", "Web page with generated text marked (*.html)", "Once.html", b"<!DOCTYPE html>"),
        ("mine.HTM", "Text (*.txt)", "mine.HTM", b"<!DOCTYPE html>"),
        ("v1.2", "JSON with tokens (*.json)", "v1.2.json", b'{\n "format"'),
        ("plain", "All files (*)", "plain", b"Once"),
        ("mine.json", "", "mine.json", b'{\n "format"'),
    ],
)
def test_suffix_and_filter_say_the_format(
    opened: Opened, tmp_path: Path, save_dialog: SaveDialog, name: str, chosen: str, written: str, begins: bytes
) -> None:
    write(opened, "Once")
    save_dialog.answer = (str(tmp_path / name), chosen)
    opened.window.files.save_as()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [written]
    assert (tmp_path / written).read_bytes().startswith(begins)
    assert opened.services.settings.value.folder == str(tmp_path)


def test_an_export_does_not_become_the_file_of_the_document(
    opened: Opened, tmp_path: Path, save_dialog: SaveDialog
) -> None:
    write(opened, "Once")
    save_dialog.answer = (str(tmp_path / "own.txt"), "")
    opened.window.files.save()
    save_dialog.answer = (str(tmp_path / "export.html"), "")
    opened.window.files.save_as()
    exported = (tmp_path / "export.html").read_bytes()
    opened.window.playground.editor.replace_selection("!")
    opened.window.files.save()
    assert (tmp_path / "own.txt").read_text() == "Once!"
    assert (tmp_path / "export.html").read_bytes() == exported


def test_a_format_is_one_entry_of_the_table(
    opened: Opened, tmp_path: Path, save_dialog: SaveDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud = export.Format("Loud text", (".loud",), lambda document: document.text.upper().encode())
    monkeypatch.setattr(export, "FORMATS", (*export.FORMATS, loud))
    write(opened, "Once")
    save_dialog.answer = (str(tmp_path / "Once.txt"), "Loud text (*.loud)")
    opened.window.files.save_as()
    assert "Loud text (*.loud)" in save_dialog.filters[0]
    assert (tmp_path / "Once.loud").read_bytes() == b"ONCE"


def test_a_place_that_cannot_be_written_is_a_sentence_with_a_way_out(
    opened: Opened, tmp_path: Path, save_dialog: SaveDialog
) -> None:
    write(opened, "Text")
    (tmp_path / "file").write_text("")
    save_dialog.answer = (str(tmp_path / "file" / "below.txt"), "")
    opened.window.files.save_as()
    (message,) = opened.services.messages.banners.values()
    assert [offer[0] for offer in message.offers] == ["Save as…"]
    save_dialog.answer = (str(tmp_path / "here.txt"), "")
    message.offers[0][1]()
    assert (tmp_path / "here.txt").read_text() == "Text"
    assert not opened.services.messages.banners


def test_the_file_of_a_document_is_remembered_after_a_restart(
    open_window: Any, tmp_path: Path, save_dialog: SaveDialog
) -> None:
    first = open_window()
    write(first, "Text")
    save_dialog.answer = (str(tmp_path / "here.txt"), "")
    first.window.files.save()
    first.close()
    second = open_window(None)
    second.window.playground.editor.replace_selection("!")
    second.window.files.save()
    assert (tmp_path / "here.txt").read_text() == "Text!"
    assert len(save_dialog.places) == 1


def test_html_alone_is_pasted_as_its_text(opened: Opened) -> None:
    data = QMimeData()
    data.setHtml("<h1>Title</h1><p>One <b>bold</b> word<br>next</p><img src='x.png'>")
    assert opened.window.playground.editor.canInsertFromMimeData(data)
    opened.window.playground.editor.insertFromMimeData(data)
    assert text_of(opened).strip() == "Title\nOne bold word\nnext"


def test_a_document_that_was_only_named_is_kept(opened: Opened) -> None:
    opened.window.documents.ask_name()
    name(opened, "Plans")
    opened.window.documents.new()
    assert [entry.title for entry in opened.window.documents.entries()] == ["Plans"]
    assert Document().title == "Untitled" == opened.window.title.text()


def test_the_menu_of_the_title_lists_as_many_documents_as_fit_into_the_window(opened: Opened) -> None:
    write(opened, *(f"Text {number}" for number in range(12)))
    menu, listed = opened.window.title.menu(), []
    for height in (900, 480):
        opened.window.resize(900, height)
        menu.aboutToShow.emit()
        listed.append(sum(action.text().startswith("Text ") for action in menu.actions()))
        assert menu.sizeHint().height() <= opened.window.height()
    assert 4 <= listed[1] < listed[0] == 12
