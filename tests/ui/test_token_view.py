"""The token view in the real window: colours, figures, places, export; and off it costs nothing."""

import csv
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from lxml import html
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from gptdesk.coloured_text.ramps import STEPS, oklab, ramp
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import Engine
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.scoring.windows import window_start
from gptdesk.ui import number_format
from gptdesk.ui.file_formats import with_suffix
from gptdesk.ui.palette import DARK, LIGHT
from gptdesk.ui.playground.tokens.export import FORMATS
from gptdesk.ui.playground.tokens.measures import MEASURES
from gptdesk.ui.playground.tokens.strip import TokenStrip
from gptdesk.ui.playground.tokens.token_table import TokenTable
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.theme import Theme

from .conftest import Opened
from .contrast import contrast

TEXT = "Once upon a time there was a “naïve” cat.\nIt sat 🐈 on the mat, and looked."


@pytest.fixture
def shown(open_window: Callable[..., Opened], qtbot: QtBot) -> Opened:
    """A window with the view on, whose text is scored."""
    opened = open_window()
    opened.services.settings.update(precision="float32", device="cpu")
    qtbot.waitUntil(lambda: opened.state is State.READY and opened.services.inference.info.precision == "float32")
    write(opened, TEXT)
    opened.window.commands.run("tokens.show")
    wait_for_scores(opened, qtbot)
    return opened


def write(opened: Opened, text: str) -> None:
    document = opened.window.session.document
    opened.window.session.edit(0, len(document.text), text)


def table(opened: Opened) -> TokenTable:
    return opened.window.playground.token_view.table


def wait_for_scores(opened: Opened, qtbot: QtBot) -> None:
    def complete() -> bool:
        scored = table(opened).scored
        return scored is not None and scored.found.complete

    qtbot.waitUntil(complete)


def figures_shown(opened: Opened, qtbot: QtBot) -> Any:
    """The strip, once it is up to date."""
    opened.window.playground.token_view._totals.flush()
    return opened.window.playground.token_view.strip


def picture(opened: Opened) -> QImage:
    return opened.window.playground.editor.viewport().grab().toImage()


def colour_behind(opened: Opened, index: int) -> str:
    """Colour of the editor above the letters of the character at ``index``."""
    editor = opened.window.playground.editor
    cursor = editor.textCursor()
    cursor.setPosition(editor.places.position(index))
    place = editor.cursorRect(cursor)
    return QColor(picture(opened).pixel(place.left() + 3, place.bottom() + 1)).name().upper()


def test_every_token_has_the_figures_of_the_engine(shown: Opened, tiny_model_folder: Path) -> None:
    ids = gpt2_tokenizer().encode(TEXT)
    expected = TextReader(Engine.load(tiny_model_folder, device="cpu", precision="float32")).scores(ids)
    assert expected is not None
    found = [table(shown).figures(index) for index in range(len(ids))]
    assert [one.id for one in found] == ids
    assert [one.logprob for one in found[1:]] == expected.scores.logprobs[1:].tolist()
    assert math.isnan(found[0].logprob)
    assert [TEXT[start:end] for start, end in zip(table(shown).starts, table(shown).ends, strict=True)][:4] == [
        "Once",
        " upon",
        " a",
        " time",
    ]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_token_has_the_colour_of_its_figure_in_both_themes(shown: Opened, measure: str, theme: str) -> None:
    shown.services.settings.update(theme=theme, token_measure=measure)
    one, colours = MEASURES[measure], LIGHT if theme == "light" else DARK
    expected = ramp(colours.surface, one.light if theme == "light" else one.dark)
    for index in (3, 5, 9):
        wanted = expected[one.step(table(shown).figures(index))]
        assert colour_behind(shown, table(shown).starts[index] + 1) == wanted


def test_off_it_looks_as_without_the_view(open_window: Callable[..., Opened], qtbot: QtBot) -> None:
    opened = open_window()
    qtbot.waitUntil(lambda: opened.state is State.READY)
    write(opened, TEXT)
    before = picture(opened)
    QTest.keyClick(opened.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    wait_for_scores(opened, qtbot)
    assert picture(opened) != before
    assert opened.window.playground.token_view.strip.isVisible()
    QTest.keyClick(opened.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert not opened.window.playground.token_view.strip.isVisible()
    qtbot.waitUntil(lambda: picture(opened) == before)
    assert len(table(opened)) == 0


def test_typing_keeps_the_tokens_around_and_the_new_text_is_scored(shown: Opened, qtbot: QtBot) -> None:
    editor = shown.window.playground.editor
    before = [table(shown).figures(index) for index in range(len(table(shown)))]
    cursor = editor.textCursor()
    cursor.setPosition(len("Once upon"))
    editor.setTextCursor(cursor)
    QTest.keyClicks(editor, "x")
    assert table(shown).scored is None
    assert table(shown).figures(0) == before[0]
    assert table(shown).ends[-1] == len(shown.window.session.document.text)
    wait_for_scores(shown, qtbot)
    text = shown.window.session.document.text
    assert [table(shown).figures(index).id for index in range(len(table(shown)))] == gpt2_tokenizer().encode(text)


def test_generated_tokens_have_figures_while_they_arrive(shown: Opened, qtbot: QtBot) -> None:
    shown.services.settings.update(decoding=DecodingSettings(max_tokens=100_000, seed=1, logit_bias={50256: -100.0}))
    start = len(TEXT)
    shown.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: len(shown.window.session.document.text) > start + 20)
    run = shown.window.session.document.runs[-1]
    tokens = table(shown)
    first = tokens.starts.index(start)
    for place, token in enumerate(run.tokens[:5]):
        assert tokens.figures(first + place).logprob == token.logprob
        assert tokens.figures(first + place).id == token.id
    shown.window.session.stop()
    qtbot.waitUntil(lambda: not shown.window.session.busy)
    wait_for_scores(shown, qtbot)
    assert tokens.ends[-1] == len(shown.window.session.document.text)


def test_the_strip_has_the_totals_of_the_text_and_of_the_selection(shown: Opened, qtbot: QtBot) -> None:
    strip = figures_shown(shown, qtbot)
    ids = gpt2_tokenizer().encode(TEXT)
    logprobs = [table(shown).figures(index).logprob for index in range(1, len(ids))]
    perplexity = math.exp(-sum(logprobs) / len(logprobs))
    bits = -sum(logprobs) / math.log(2) / (len(TEXT.encode()) - len("Once"))
    totals = table(shown).totals(TEXT, range(len(ids)))
    assert (totals.perplexity, totals.bits_per_byte) == (pytest.approx(perplexity), pytest.approx(bits))
    assert strip.totals.text().startswith(f"Text: {len(ids)} tokens  ·  perplexity ")
    assert strip.totals.text().endswith(" bits per byte")
    shown.window.playground.token_view.select(4, 11)
    strip = figures_shown(shown, qtbot)
    assert strip.totals.text().startswith("Selection: 2 tokens")
    assert "Surprisal: " in strip.token.text()


def test_the_most_surprising_places_are_listed_and_selected(shown: Opened, qtbot: QtBot) -> None:
    view = shown.window.playground.token_view
    view._fill_places(view.strip.places.menu())
    actions = view.strip.places.menu().actions()
    order = sorted(range(1, len(table(shown))), key=lambda index: table(shown).figures(index).logprob)
    assert len(actions) == 15
    start, end = table(shown).starts[order[0]], table(shown).ends[order[0]]
    actions[0].trigger()
    assert shown.window.playground.editor.selection == (start, end)


def test_the_pointer_shows_the_figures(shown: Opened) -> None:
    view, editor = shown.window.playground.token_view, shown.window.playground.editor
    cursor = editor.textCursor()
    cursor.setPosition(6)
    place = editor.cursorRect(cursor).center()
    index = view._token_at(QPoint(place.x() + 2, place.y()))
    assert index == 1
    words = view._describe(index).splitlines()
    assert words[0] == "“ upon”, token 2402"
    assert [line.split(":")[0] for line in words[1:]] == [one.title for one in MEASURES.values()]
    assert view._token_at(QPoint(2, editor.viewport().height() - 2)) is None


def test_tokens_are_exported_as_the_command_line_does(
    shown: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tokens.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    shown.window.commands.run("tokens.export")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(keepends=True)))
    assert [int(row["id"]) for row in rows] == gpt2_tokenizer().encode(TEXT)
    assert float(rows[3]["logprob"]) == pytest.approx(table(shown).figures(3).logprob)


@pytest.mark.parametrize("measure", ["surprisal", "entropy"])
def test_the_coloured_text_is_exported_as_a_web_page(
    shown: Opened, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measure: str
) -> None:
    decoding = DecodingSettings(max_tokens=3, seed=1, logit_bias={50256: -100.0})
    shown.services.settings.update(decoding=decoding, token_measure=measure)
    shown.window.session.edit(4, 4, PLACEHOLDER, False, ("<|endoftext|>",))
    shown.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not shown.window.session.busy)
    wait_for_scores(shown, qtbot)
    path = tmp_path / "tokens"
    chosen = "Web page with the colours (*.html)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), chosen))
    shown.window.commands.run("tokens.export")
    page = html.fromstring(path.with_suffix(".html").read_bytes())
    assert not page.xpath("//script")
    (main,) = page.xpath("//main")
    document = shown.window.session.document
    assert main.text_content() == document.mixed.spelled
    spans = main.xpath("span")
    for place in (1, 3):
        step = MEASURES[measure].step(table(shown).figures(place))
        assert (f"s{step}" in spans[place].get("class", "").split()) == bool(step)
    generated = "".join(span.text_content() for span in spans if "g" in span.get("class", "").split())
    assert generated == document.runs[-1].text
    assert "Surprisal" in spans[3].get("title")
    assert not any("not scored" in span.get("title") for span in spans[1:])
    assert f"{number_format.tokens(len(table(shown)))}  ·  perplexity " in page.xpath("//footer")[0].text_content()


@pytest.mark.parametrize(
    ("typed", "chosen", "written"),
    [
        ("a", "CSV (*.csv)", "a.csv"),
        ("a.csv", "Web page with the colours (*.html)", "a.html"),
        ("a.htm", "CSV (*.csv)", "a.htm"),
        ("a.b", "Web page with the colours (*.html)", "a.b.html"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_the_format_is_that_of_the_suffix_or_of_the_filter(typed: str, chosen: str, written: str) -> None:
    assert with_suffix(FORMATS, Path(typed), chosen, suggested=".csv") == Path(written)


def test_the_strip_takes_two_lines_and_what_has_no_room_is_in_a_menu(
    theme: Theme, opened: Opened, qtbot: QtBot
) -> None:
    strip = TokenStrip(theme, opened.window.commands)
    qtbot.addWidget(strip)
    strip.show_measure(MEASURES["surprisal"])
    for width in (1900, 1200, 560, 420, 300):
        strip.resize(width, strip.sizeHint().height())
        strip.show()
        QApplication.processEvents()
        assert strip.height() <= 3 * strip.measure.height()
        parts = [strip.borders, strip.ids, strip.places, strip.export]
        for part in (*parts, strip.measure, strip.more, strip.close_button, strip.totals):
            if part.isVisible():
                assert strip.rect().contains(part.geometry()), (width, part.accessibleName())
        hidden = [part for part in parts if not part.isVisible()]
        assert strip.more.isVisible() == bool(hidden) == (width < 1200)
        assert strip.legend.isVisible() == (width > 320)
    offered = {action.text() for action in strip._more.actions()}
    assert offered == {"Token borders", "Token ids", "Most surprising", "Export tokens…"}


def test_the_strip_begins_where_the_text_does(opened: Opened) -> None:
    opened.window.resize(1800, 800)
    opened.window.commands.run("tokens.show")
    QApplication.processEvents()
    strip, editor = opened.window.playground.token_view.strip, opened.window.playground.editor
    column = editor.column()
    for label in (strip._caption, strip.totals):
        assert label.mapTo(opened.window, QPoint()).x() == editor.mapTo(opened.window, column.topLeft()).x()


def peer_figures(model: Any, ids: list[int], place: int) -> tuple[float, float, int]:
    """Log-probability, entropy and rank of a token by transformers, given what a completion would read before it."""
    start = window_start(place, model.config.n_positions)
    with torch.no_grad():
        logits = model(torch.tensor([ids[start:place]])).logits[0, -1].double()
    logprobs = logits.log_softmax(-1)
    rank = 1 + int((logits > logits[ids[place]]).sum())
    return float(logprobs[ids[place]]), float(torch.special.entr(logprobs.exp()).sum()), rank


def test_figures_of_typed_pasted_generated_and_branched_text_are_those_of_transformers(
    shown: Opened, qtbot: QtBot, tiny_model_folder: Path
) -> None:
    from transformers import GPT2LMHeadModel

    shown.services.settings.update(
        decoding=DecodingSettings(max_tokens=30, seed=1, top_k=50, logit_bias={50256: -100.0})
    )
    session, editor = shown.window.session, shown.window.playground.editor
    write(shown, "")
    QTest.keyClicks(editor, "Once upon a time")
    QApplication.clipboard().setText(f", they said:\n{TEXT}\n")
    editor.paste()
    shown.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not session.busy)
    run = session.document.runs[-1]
    session.branch(len(session.document.text) - len(run.text) + run.spans()[5][0], " cat")
    qtbot.waitUntil(lambda: not session.busy)
    wait_for_scores(shown, qtbot)
    ids = gpt2_tokenizer().encode(session.document.text)
    model = GPT2LMHeadModel.from_pretrained(tiny_model_folder).eval()
    assert len(ids) > model.config.n_positions
    assert table(shown).ids == ids
    expected = [peer_figures(model, ids, place) for place in range(1, len(ids))]
    for place, (logprob, entropy, rank) in enumerate(expected, 1):
        found = table(shown).figures(place)
        assert (found.logprob, found.entropy) == (pytest.approx(logprob, abs=1e-4), pytest.approx(entropy, abs=1e-4))
        assert found.rank == rank
    totals = table(shown).totals(session.document.text, range(len(ids)))
    mean = math.fsum(logprob for logprob, _, _ in expected) / len(expected)
    assert totals.perplexity == pytest.approx(math.exp(-mean), rel=1e-4)


def test_every_measure_is_a_command_and_every_control_has_a_name(shown: Opened) -> None:
    for id in MEASURES:
        shown.window.commands.run(f"tokens.by_{id}")
        assert shown.services.settings.value.token_measure == id
        assert shown.window.playground.token_view.strip.measure.currentData() == id
    strip = shown.window.playground.token_view.strip
    for button in strip.findChildren(QPushButton):
        assert button.accessibleName() or button.text()


def test_a_measure_of_the_settings_that_does_not_exist_is_the_default(shown: Opened) -> None:
    shown.services.settings.update(token_measure="nothing")
    assert shown.window.playground.token_view.layer.measure.id == "surprisal"
    assert shown.window.playground.token_view.strip.measure.currentText() == "Surprisal"


def test_a_special_token_is_one_place_with_its_name(shown: Opened, qtbot: QtBot) -> None:
    shown.window.session.edit(4, 4, PLACEHOLDER, False, ("<|endoftext|>",))
    wait_for_scores(shown, qtbot)
    index = table(shown).starts.index(4)
    assert table(shown).ends[index] == 5
    assert shown.window.playground.token_view._describe(index).startswith("“<|endoftext|>”, token 50256")


def test_generated_tokens_are_underlined_and_typed_ones_are_not(shown: Opened, qtbot: QtBot) -> None:
    shown.services.settings.update(decoding=DecodingSettings(max_tokens=2, seed=1, logit_bias={50256: -100.0}))
    shown.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not shown.window.session.busy)
    wait_for_scores(shown, qtbot)
    accent = QColor(shown.services.theme.colours.accent).name()

    def is_underlined(index: int) -> bool:
        editor = shown.window.playground.editor
        cursor = editor.textCursor()
        cursor.setPosition(editor.places.position(index))
        place, seen = editor.cursorRect(cursor), picture(shown)
        column = [QColor(seen.pixel(place.left() + 3, y)).name() for y in range(place.top(), place.bottom() + 12)]
        return accent in column

    assert [is_underlined(index) for index in (1, len(TEXT) - 3, len(TEXT) + 1)] == [False, False, True]
    shown.services.settings.update(marks=False)
    assert not is_underlined(len(TEXT) + 1)


def test_borders_and_ids_are_painted_on_demand(shown: Opened) -> None:
    pictures = [picture(shown)]
    for name in ("tokens.borders", "tokens.ids"):
        shown.window.commands.run(name)
        pictures.append(picture(shown))
    assert pictures[0] != pictures[1] != pictures[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_ramps_are_even_one_way_in_lightness_and_leave_the_text_readable(colours: Any, measure: Any) -> None:
    shades = ramp(colours.surface, measure.light if colours is LIGHT else measure.dark)
    assert (shades[0], len(set(shades))) == (colours.surface, STEPS)
    points = [oklab(shade) for shade in shades]
    distances = [math.dist(a, b) for a, b in pairwise(points)]
    assert max(distances) < 1.35 * min(distances)  # of 8-bit colours
    lightness = [point[0] for point in points]
    assert lightness == sorted(lightness, reverse=colours is LIGHT)
    assert abs(lightness[-1] - lightness[0]) > 0.18, "seen in grey, too"
    assert all(contrast(shade, colours.text) >= 4.5 for shade in shades)


def test_a_table_follows_edits() -> None:
    made = TokenTable()
    made.starts, made.ends = [0, 3, 6, 6, 9], [3, 6, 7, 9, 12]
    made.ids, made.logprobs, made.ranks, made.entropies = [1, 2, 3, 4, 5], [-1.0] * 5, [1] * 5, [0.5] * 5
    assert list(made.between(4, 7)) == [1, 2, 3]
    assert list(made.between(6, 6)) == [2, 3]
    made.splice(7, 8, 10)
    assert (made.starts, made.ends, made.ids) == ([0, 3, 6, 11], [3, 6, 7, 14], [1, 2, 3, 5])
    made.truncate(6)
    assert made.ids == [1, 2]
