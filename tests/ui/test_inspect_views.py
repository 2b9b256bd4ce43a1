"""Compare prompts, copies, sources, pins, arcs and maps of the Inspect pane."""

import csv
import gc
import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QDesktopServices, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import Engine
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass
from gptdesk.inference.inspection.neurons import strongest_places
from gptdesk.inference.inspection.patching import PromptPair, Site, patch
from gptdesk.ui.palette import LIGHT
from gptdesk.ui.playground.inspect.arcs import Arcs
from gptdesk.ui.playground.inspect.maps import heat_painting
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_painting import colour_of
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.pinning import Pin
from gptdesk.ui.playground.inspect.views import HEADS_BY_STEP, LEARNED, VIEWS
from gptdesk.ui.services.reading.look_jobs import LENS, PATCHING, LookJob, PatchJob
from gptdesk.ui.services.reading.look_work import Looker
from gptdesk.ui.theme import Theme

from .inspecting import IDS, TEXT, Inspected, spoken, words
from .inspecting import inspected as inspected  # a fixture
from .keyboard_walk import unnamed, walk, without_role

CLEAN: Final = "Tom went home. Lily was sad. Tom"
CORRUPTED: Final = "Sam went home. Lily was sad. Sam"
KEY = Qt.Key


def fill(view: Any, clean: str, corrupted: str, answer: str = " ran", other: str = " sat") -> None:
    """Types two prompts and their answers, and presses Enter."""
    fields = (*view.prompts, *view.answers)
    for field, text in zip(fields, (clean, corrupted, answer, other), strict=True):
        field.setFocus()
        field.clear()
        QTest.keyClicks(field, text)
    QTest.keyClick(fields[-1], KEY.Key_Return)


def pick(box: Any, number: int) -> None:
    box.setCurrentIndex(number)
    box.activated.emit(number)


def test_two_prompts_are_compared_as_the_functions_do_it_at_every_site(inspected: Inspected) -> None:
    view = inspected.show("compare")
    assert view.prompts[0].text() == view.prompts[1].text() == TEXT  # the text before the caret, to be changed
    fill(view, CLEAN, CORRUPTED)
    inspected.wait()
    ids = [gpt2_tokenizer().encode(text) for text in (CLEAN, CORRUPTED)]
    runs = [forward_pass(inspected.model, some) for some in ids]
    answer, other = (gpt2_tokenizer().encode(word)[0] for word in (" ran", " sat"))
    pair = PromptPair(runs[0], runs[1], answer, other)
    assert view.table.cells.headerData(0, Qt.Orientation.Horizontal) == "Tom\nSam"
    assert view.table.cells.headerData(1, Qt.Orientation.Horizontal) == "␣went\n␣went"
    assert view.sentence.text().startswith("“␣ran” before “␣sat”, in logits: ")
    for number, site in enumerate(Site):
        pick(view.site, number)
        inspected.wait()
        expected = [row.shares.numpy() for row in patch(pair, site)]
        shown = view.table.cells.grid.numbers["share"][::-1]  # the last layer on top
        np.testing.assert_allclose(shown, np.stack(expected), atol=1e-4)
        assert inspected.pane.head.state.text() == "2 of 2 layers"
    pick(view.site, 0)
    inspected.wait()
    view.table.setFocus()
    view.table.setCurrentIndex(view.table.cells.index(1, 0))
    assert spoken(view.table).startswith("Layer 0, residual stream into the layer at “Tom” (prompt 2: “Sam”), of ")
    QTest.keyClick(view.table, KEY.Key_Escape)
    assert inspected.editor.hasFocus()


def test_prompts_that_cannot_be_compared_are_refused_and_stay(inspected: Inspected, qtbot: QtBot) -> None:
    inspected.write("")  # it needs no text
    view = inspected.show("compare")
    fill(view, "", "")
    assert view.sentence.text().startswith("Type two prompts")
    for clean, corrupted, answer, sentence in (
        (CLEAN, "Sam went", " ran", "same number of tokens; they have 9 and 2"),
        (CLEAN, CORRUPTED, " sat", "Both prompts are answered by “ sat”"),
        (CLEAN, CORRUPTED, "unutterable", "An answer must be one token of the model; “unutterable” is "),
    ):
        fill(view, clean, corrupted, answer)
        inspected.wait()
        assert sentence in view.sentence.text()
        assert view.button.text() == "Compare"
        assert view.prompts[1].text() == corrupted
        assert view.isVisible()
    assert view.table.cells.columnCount() == 9  # their tokens are seen under each other


def test_an_interrupted_comparison_leaves_nothing_running(inspected: Inspected, qtbot: QtBot) -> None:
    view, reads = inspected.show("compare"), inspected.opened.services.inference.reads
    fill(view, CLEAN, CORRUPTED)
    assert view.button.text() == "Cancel"
    assert view.bar.isVisible()
    assert inspected.pane.busy
    view.button.click()
    assert not inspected.pane.busy
    assert view.sentence.text() == "Cancelled after 0 layers."
    qtbot.waitUntil(lambda: not reads.busy)
    assert view.table.cells.rowCount() == 0
    fill(view, CLEAN, CORRUPTED)
    inspected.wait()
    assert view.button.text() == "Compare"
    assert view.table.cells.rowCount() == 2


def test_a_text_and_two_prompts_are_not_kept_at_once(tiny_model_folder: Path) -> None:
    looker = Looker(Engine.load(tiny_model_folder, device="cpu", precision="float32"))
    found: list[Any] = []

    def alive() -> int:
        gc.collect()
        return sum(isinstance(one, ForwardPass) for one in gc.get_objects())

    def kept(job: LookJob) -> int:
        looker.look(job, found.append)
        return alive()

    lens = LookJob(LENS, MixedText(TEXT), len(TEXT))
    prompts = PatchJob(PATCHING, MixedText(CLEAN), len(CLEAN), corrupted=CORRUPTED, answer=" ran", other=" sat")
    before = alive()  # those of other tests
    assert [kept(job) - before for job in (lens, prompts, lens)] == [1, 2, 1]
    assert all(not isinstance(one.found, str) for one in found)


def copied(inspected: Inspected, kind: str) -> str:
    inspected.window.commands.run(f"inspect.copy_{kind}")
    return QApplication.clipboard().text()


def computed(inspected: Inspected) -> dict[str, Any]:
    """What the copied code computes."""
    space: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(copied(inspected, "python"), "copied", "exec"), space)
    assert printed.getvalue()
    return space


def numbers(view: Any, name: str) -> Any:
    return view.copied.cells.grid.numbers[name]


def test_copied_code_computes_what_each_view_shows(inspected: Inspected) -> None:
    view = inspected.show("lens")
    found = computed(inspected)["found"]
    np.testing.assert_allclose(numbers(view, "top_probability")[::-1], found.top_probabilities[..., 0], atol=1e-5)
    view = inspected.show("attention")
    view.heads.setCurrentIndex(view.heads.cells.index(1, 2))
    inspected.wait()
    space = computed(inspected)
    np.testing.assert_allclose(numbers(view, "weight"), space["found"], atol=1e-5)
    np.testing.assert_allclose(numbers(view, "length"), space["norms"], atol=1e-4)
    view = inspected.show("parts")
    shares = sorted(computed(inspected)["found"].shares.tolist(), key=lambda share: -abs(share))
    np.testing.assert_allclose(numbers(view, "value")[:, 1], shares, atol=1e-5)
    view = inspected.show("heads")
    np.testing.assert_allclose(numbers(view, "induction"), computed(inspected)["found"].induction, atol=1e-5)
    pick(view.choice, 1)
    inspected.wait()
    for part, change, _ in computed(inspected)["found"]:
        place = part.layer, 3 if part.head is None else part.head
        assert numbers(view, "change")[place] == pytest.approx(change / np.log(2), abs=1e-4)
    view = inspected.show("neurons")
    view.table.setFocus()
    QTest.keyClick(view.table, KEY.Key_Down)
    inspected.wait()
    space = computed(inspected)
    strengths = [abs(value) for value in numbers(view, "value")[:, 1]]
    np.testing.assert_allclose(strengths, [neuron.strength for neuron in space["found"]], atol=1e-4)
    view.places.setFocus()
    activations = [place.activation for place in space["places"]]
    np.testing.assert_allclose(numbers(view, "value")[:, 1], activations, atol=1e-5)
    view = inspected.show("embeddings")
    np.testing.assert_allclose(
        numbers(view, "value")[:, 1], [near.cosine for near in computed(inspected)["found"]], atol=1e-5
    )
    pick(view.choice, 1)
    inspected.wait()
    np.testing.assert_allclose(numbers(view, "place"), computed(inspected)["found"].points, atol=1e-5)
    view = inspected.show("compare")
    fill(view, CLEAN, CORRUPTED)
    inspected.wait()
    np.testing.assert_allclose(numbers(view, "share")[::-1], computed(inspected)["found"], atol=1e-4)
    rows = list(csv.DictReader(io.StringIO(copied(inspected, "csv"))))
    assert [float(row["share"]) for row in rows] == numbers(view, "share").ravel().tolist()
    assert rows[0]["column"] == "Tom / Sam"


def test_every_view_is_reached_by_keyboard_copied_as_a_picture_and_names_its_sources(
    inspected: Inspected, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    inspected.show("lens")
    head = inspected.pane.head
    for id, about in VIEWS.items():
        if id in (LEARNED, HEADS_BY_STEP):
            continue  # this model belongs to no run; test_inspect_over_steps.py
        view = inspected.show(id)
        if id == "compare":
            copied(inspected, "png")
            assert head.state.text() == "Nothing to copy yet."
            fill(view, CLEAN, CORRUPTED)
            inspected.wait()
        found = [*unnamed(inspected.pane), *without_role(inspected.pane), *walk(inspected.pane)]
        assert not found, f"{id}: {found}"
        copied(inspected, "png")
        image = QApplication.clipboard().image()
        assert len({image.pixel(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5)}) > 2
        root = ElementTree.fromstring(copied(inspected, "svg"))
        assert head.state.text() == "Copied as SVG."
        written = "".join("".join(root.itertext()).split())  # letters of several fonts are texts of their own
        name = view.copied.cells.grid.rows[0] or words(view.copied, 0, 0)
        assert name.split()[0] in written
        assert root.get("viewBox") == f"0 0 {image.width() // 2} {image.height() // 2}"
        for source in about.sources:
            assert f'href="{source.address}"' in head.help.text()
            assert source.address.startswith("https://")
            assert source.title in head.help.accessibleDescription()
        opened.clear()
        inspected.window.commands.run("inspect.sources")
        assert opened == [source.address for source in about.sources]


def test_a_pinned_view_stays_with_its_token(inspected: Inspected) -> None:
    view = inspected.show("parts")
    inspected.editor.show_place(len("Tom went"))
    inspected.wait()
    about = inspected.pane.head.state.text()
    inspected.window.commands.run("inspect.pin")
    inspected.wait()
    pinned = f"Pinned to “␣went” · {about}"
    shares = numbers(view, "value")[:, 1].tolist()
    assert inspected.pane.head.pin.isChecked()
    inspected.editor.show_place(len(TEXT))
    inspected.wait()
    assert (numbers(view, "value")[:, 1].tolist(), inspected.pane.head.state.text()) == (shares, pinned)
    inspected.session.edit(len(TEXT), len(TEXT), " and")
    inspected.wait()
    assert inspected.pane.head.state.text() == pinned
    inspected.pane.head.pin.click()
    inspected.wait()
    assert inspected.pane.head.state.text().startswith("“")
    assert inspected.pane.head.state.text() != about


@pytest.mark.parametrize(
    ("new", "place"),
    [
        ("one two three", 7),
        ("one two three four", 7),
        ("one two, three", 7),
        ("zero one two three", 12),
        ("o two three", 5),
        ("one three", None),
        ("", None),
    ],
)
def test_a_pin_moves_with_the_text(new: str, place: int | None) -> None:
    pin = Pin()
    pin.put(7, "one two three")
    pin.follow(new)
    assert pin.place == place


def test_arcs_show_over_the_text_where_a_token_looks(inspected: Inspected) -> None:
    view, arcs, editor = inspected.show("attention"), inspected.window.playground.inspect.arcs, inspected.editor
    before = editor.viewport().grab().toImage()
    index = view.pattern.cells.index(5, 2)
    view.pattern.scrollTo(index)
    QTest.mouseMove(view.pattern.viewport(), view.pattern.visualRect(index).center())
    view.pattern.entered.emit(index)
    assert arcs.shown.query == 5
    np.testing.assert_array_equal(arcs.shown.weights, numbers(view, "weight")[5])
    assert editor.viewport().grab().toImage() != before
    view.pattern.hovered.emit(-1, -1)
    assert arcs.shown is None
    view.pattern.setFocus()
    view.pattern.setCurrentIndex(view.pattern.cells.index(len(IDS) - 1, 0))
    QTest.keyClick(view.pattern, KEY.Key_Up)
    assert arcs.shown.query == len(IDS) - 2
    inspected.session.edit(0, 0, "So ")
    assert arcs.shown is None  # they are about another text


def test_only_tokens_that_are_looked_at_have_arcs() -> None:
    weights = np.full(40, 0.02)
    weights[[3, 7]] = 0.5, 0.001
    strongest = Arcs([(0, 1)] * 40, 39, weights).strongest()
    assert len(strongest) == 24
    assert strongest[-1] == 3
    assert 7 not in strongest


def test_the_places_of_a_neuron_lead_into_the_text(inspected: Inspected) -> None:
    view = inspected.show("neurons")
    view.table.setFocus()
    QTest.keyClick(view.table, KEY.Key_Down)
    inspected.wait()
    row = view.table.currentIndex().row()
    layer, unit = (int(name[1:]) for name in words(view.table, row, 0).split()[:2])
    expected = strongest_places(inspected.model, [IDS], layer, unit)
    shown = view.places.cells.grid.numbers["value"][:, 1]
    np.testing.assert_allclose(shown, [place.activation for place in expected], atol=1e-5)
    view.places.setFocus()
    view.places.setCurrentIndex(view.places.cells.index(0, 0))
    QTest.keyClick(view.places, KEY.Key_Return)
    ends = np.cumsum([len(gpt2_tokenizer().piece(id)) for id in IDS])
    assert inspected.editor.selection[0] == ends[expected[0].position]


def test_chosen_tokens_are_mapped_and_found_by_table_and_pointer(inspected: Inspected) -> None:
    view = inspected.show("embeddings")
    pick(view.choice, 1)
    inspected.wait()
    assert view.points.cells.rowCount() == 21  # the token before the caret and those nearest to it
    view.words.setText("Tom Lily sad home")
    QTest.keyClick(view.words, KEY.Key_Return)
    inspected.wait()
    assert list(view.points.cells.grid.rows) == ["Tom", "␣Lily", "␣sad", "␣home"]
    assert inspected.pane.head.state.text().startswith("4 tokens; the map keeps ")
    view.points.setFocus()
    view.points.setCurrentIndex(view.points.cells.index(2, 1))
    assert spoken(view.points).startswith("“␣sad” lies at ")
    QTest.mouseMove(view.map, view.map.place_of(1))
    view.map.hovered.emit(1)
    assert view.points.currentIndex().row() == 1
    view.words.setText("Tom")
    QTest.keyClick(view.words, KEY.Key_Return)
    inspected.wait()
    assert view.map.accessibleDescription() == "A map needs at least three different tokens."
    assert view.words.isVisible()


def test_a_large_pattern_is_painted_by_tiles(theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    table = HeatTable(theme, "Map", (46, 20))
    qtbot.addWidget(table)
    table.resize(400, 300)
    size = 1024
    values = np.where(np.tri(size, dtype=bool), np.linspace(0, 1, size)[None], np.nan).astype(np.float32)
    made: list[tuple[int, int]] = []
    real = heat_painting.cells_image

    def cells_image(tile: Any, colours: Any) -> QImage:
        made.append(tile.shape)
        return real(tile, colours)

    monkeypatch.setattr(heat_painting, "cells_image", cells_image)
    table.show_grid(HeatGrid(["t"] * size, ["t"] * size, values=values))
    table.fit(True)
    table.show()
    qtbot.waitExposed(table)
    table.grab()
    assert made
    assert sum(rows * columns for rows, columns in made) <= 2 * 400 * 300  # no more than can be seen
    made.clear()
    room = table.picture_size()
    assert (room.width(), room.height()) == (size, size)
    image = QImage(room, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    table.paint_picture(painter, QRect(QPoint(0, 0), room))
    painter.end()
    assert max(max(shape) for shape in made) <= 256
    for row, column in ((900, 100), (1000, 999), (300, 0)):
        expected = colour_of(float(values[row, column]), LIGHT)
        assert image.pixelColor(column, row).name().upper() == expected.upper()
    assert image.pixelColor(1000, 3).name().upper() == LIGHT.background.upper()
