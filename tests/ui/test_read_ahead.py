"""Reading ahead in the real window: what it saves, what it gives way to, and that it never changes a text."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QMimeData, QObject, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk import power_saver
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.context import Context
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.playground.read_ahead import shared_length
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.reading.jobs import ScoredText
from tests.patience import PATIENCE

from .conftest import Opened

FEW = DecodingSettings(max_tokens=5, seed=3)
WORDS = "It was a dark night and the wind blew over the old house at the edge of the wood. "
LONG = WORDS * 11
"""More than one chunk of a prompt, and less than the context of the model."""


@pytest.fixture(scope="module")
def long_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose context holds several chunks of a prompt."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(n_layer=3, n_head=2, n_embd=32, n_positions=320))
    folder = tmp_path_factory.mktemp("models") / "long"
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def expected(long_model_folder: Path) -> Engine:
    return Engine.load(long_model_folder, device="cpu", precision="float32")


@pytest.fixture
def opened(open_window: Callable[..., Opened], long_model_folder: Path, qtbot: QtBot) -> Opened:
    one = open_window(str(long_model_folder))
    one.services.settings.update(device="cpu", precision="float32", decoding=FEW, new_document_decoding=FEW)
    one.window.playground.tokens.block.section.set_open(False)  # it asks for the next token after each pause
    qtbot.waitUntil(lambda: one.state is State.READY and one.services.inference.info.precision == "float32")
    qtbot.waitUntil(lambda: not one.services.inference.reads.busy)
    return one


def engine_of(opened: Opened) -> Engine:
    engine = opened.services.inference._host.worker._engine
    assert engine is not None
    return engine


def reads(opened: Opened) -> Any:
    return opened.services.inference.reads


def read_ahead(opened: Opened) -> Any:
    return opened.window.pages["play"].read_ahead


def read_to_its_end(opened: Opened, qtbot: QtBot) -> None:
    """Waits for the pause, and until what it asked for is done."""
    read_ahead(opened).read_now()
    qtbot.waitUntil(lambda: not reads(opened).busy)


def text_of(mixed: MixedText | str) -> str:
    return mixed if isinstance(mixed, str) else mixed.text


def generate(opened: Opened, qtbot: QtBot) -> None:
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    qtbot.waitUntil(lambda: opened.state is State.READY)


def paste(opened: Opened, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    opened.window.playground.editor.insertFromMimeData(data)


class Feeds:
    """What contexts have read of prompts, pass by pass, whatever reads.

    Attributes:
        counts: tokens of each pass.
        given_up: of those that were interrupted.
        hold: called before the first block of each.
    """

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.given_up: list[int] = []
        self.hold: Callable[[], None] = lambda: None
        self.plain: Any = Context._feed

    def feed(self, context: Context, ids: list[int], *, interrupted: Callable[[], bool] | None, **how: Any) -> Any:
        def asked() -> bool:
            answer = interrupted is not None and interrupted()
            self.hold()
            return answer

        self.counts.append(len(ids))
        try:
            return self.plain(context, ids, interrupted=asked, **how)
        except Interrupted:
            self.given_up.append(len(ids))
            raise


@pytest.fixture
def feeds(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Feeds:
    made = Feeds()
    monkeypatch.setattr(Context, "_feed", lambda context, ids, **how: made.feed(context, ids, **how))
    return made


@pytest.fixture
def passes(feeds: Feeds) -> list[int]:
    """How many tokens each pass reads."""
    return feeds.counts


class Held:
    """Holds the inference thread at the first block of a pass, once."""

    def __init__(self, feeds: Feeds) -> None:
        self.entered, self._go = threading.Event(), threading.Event()
        feeds.hold = self._hold

    def _hold(self) -> None:
        if not self.entered.is_set():
            self.entered.set()
            assert self._go.wait(PATIENCE)

    def release(self) -> None:
        self._go.set()


@pytest.fixture
def held(feeds: Feeds) -> Iterator[Held]:
    made = Held(feeds)
    yield made
    made.release()


def test_after_a_pause_generate_reads_nothing(opened: Opened, qtbot: QtBot, passes: list[int]) -> None:
    paste(opened, LONG)
    with qtbot.waitSignal(reads(opened).read) as read:  # by the pause itself
        pass
    assert text_of(read.args[0]) == LONG
    length = len(gpt2_tokenizer().encode(LONG))
    assert passes == [PROMPT_CHUNK, length - PROMPT_CHUNK]
    passes.clear()
    generate(opened, qtbot)
    assert [count for count in passes if count > 1] == []


def test_what_follows_a_generation_is_read_in_the_same_chunks_as_without_it(
    opened: Opened, qtbot: QtBot, passes: list[int]
) -> None:
    paste(opened, LONG)
    generate(opened, qtbot)
    passes.clear()
    read_to_its_end(opened, qtbot)
    assert passes == [len(gpt2_tokenizer().encode(opened.window.session.document.text)) - PROMPT_CHUNK]


edits = st.one_of(
    st.tuples(st.just("type"), st.text("ab ,.", min_size=1, max_size=6)),
    st.tuples(st.just("delete"), st.integers(1, 4)),
    st.tuples(st.just("move"), st.floats(0, 1)),
    st.tuples(st.just("select"), st.floats(0, 1)),
    st.tuples(st.just("paste"), st.sampled_from([WORDS, "“Ü” 🐈\n", LONG])),
    st.tuples(st.just("undo"), st.none()),
    st.tuples(st.just("redo"), st.none()),
    st.tuples(st.just("pause"), st.integers(0, 3)),
    st.tuples(st.just("read"), st.none()),
    st.tuples(st.just("generate"), st.none()),
)


def _edit(opened: Opened, qtbot: QtBot, kind: str, what: Any) -> None:
    """Does one thing to the text in the editor."""
    editor = opened.window.playground.editor
    if kind == "type":
        QTest.keyClicks(editor, what)
    elif kind == "delete":
        for _ in range(what):
            QTest.keyClick(editor, Qt.Key.Key_Backspace)
    elif kind in ("move", "select"):
        cursor = editor.textCursor()
        mode = cursor.MoveMode.KeepAnchor if kind == "select" else cursor.MoveMode.MoveAnchor
        cursor.setPosition(round(what * (editor.document().characterCount() - 1)), mode)
        editor.setTextCursor(cursor)
    elif kind == "paste":
        paste(opened, what)
    elif kind in ("undo", "redo"):
        opened.window.commands.run(f"text.{kind}")
    elif kind == "pause":
        read_ahead(opened).read_now()
        for _ in range(what):
            QCoreApplication.processEvents()
    elif kind == "read":
        read_to_its_end(opened, qtbot)
    else:
        generate(opened, qtbot)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(work=st.lists(edits, max_size=14), scored=st.booleans())
@example(work=[("type", "a"), ("move", 0.0), ("type", "a")], scored=False)  # goes on at the caret
def test_typing_deleting_pasting_and_undoing_while_it_reads_never_change_a_bit_of_a_completion(
    opened: Opened, qtbot: QtBot, expected: Engine, work: list[tuple[str, Any]], scored: bool
) -> None:
    session = opened.window.session
    session.open(Document())
    read_ahead(opened).set_scored(scored)
    for kind, what in work:
        _edit(opened, qtbot, kind, what)
    text = session.document.text[: opened.window.playground.place.start]  # a caret that was put there
    generate(opened, qtbot)
    expected.context = None
    wanted = [event for event in expected.generate(text, FEW) if isinstance(event, TokenEvent)]
    origin = session.document.last_origin()
    runs = [run for run in session.document.runs if run.origin and run.origin.generation == origin.generation]
    tokens = [token for run in runs for token in run.tokens]
    assert [(token.id, token.logprob, token.entropy) for token in tokens] == [
        (event.id, event.logprob, event.entropy) for event in wanted
    ]


def test_a_generation_of_another_text_does_not_wait_for_a_chunk(
    opened: Opened, qtbot: QtBot, held: Held, feeds: Feeds
) -> None:
    reads(opened).read_text(LONG)
    qtbot.waitUntil(held.entered.is_set)
    owner = QObject()
    generation = opened.services.inference.generate("The sea", FEW, owner=owner)
    held.release()
    with qtbot.waitSignals([generation.finished]):
        pass
    assert feeds.counts[:2] == [PROMPT_CHUNK, 2]
    assert feeds.given_up[:1] == [PROMPT_CHUNK], "it was given up between two blocks"
    with qtbot.waitSignal(reads(opened).read) as read:  # and goes on after it
        pass
    assert text_of(read.args[0]) == LONG


def test_a_generation_of_the_text_that_is_being_read_takes_the_chunk_over(
    opened: Opened, qtbot: QtBot, held: Held, passes: list[int]
) -> None:
    reads(opened).read_text(LONG)
    qtbot.waitUntil(held.entered.is_set)
    owner = QObject()
    generation = opened.services.inference.generate(LONG, FEW, owner=owner)
    held.release()
    with qtbot.waitSignal(generation.finished):
        pass
    assert [count for count in passes if count > 1] == [PROMPT_CHUNK, len(gpt2_tokenizer().encode(LONG)) - PROMPT_CHUNK]


def test_a_key_gives_up_the_part_that_it_changes_and_keeps_the_part_before(
    opened: Opened, qtbot: QtBot, held: Held, passes: list[int]
) -> None:
    paste(opened, LONG)
    read_ahead(opened).read_now()
    qtbot.waitUntil(held.entered.is_set)
    QTest.keyClicks(opened.window.playground.editor, "x")
    held.release()
    qtbot.waitUntil(lambda: not reads(opened).busy)
    read_to_its_end(opened, qtbot)
    rest = len(gpt2_tokenizer().encode(LONG)) - PROMPT_CHUNK
    again = len(gpt2_tokenizer().encode(LONG + "x")) - PROMPT_CHUNK
    assert passes == [PROMPT_CHUNK, rest, again], "the first chunk was kept, the second one given up and read anew"


def test_another_model_does_not_wait_and_reads_the_text_too(
    opened: Opened, qtbot: QtBot, held: Held, tiny_model_folder: Path
) -> None:
    paste(opened, LONG)
    read_ahead(opened).read_now()
    qtbot.waitUntil(held.entered.is_set)
    opened.services.settings.update(model=str(tiny_model_folder))
    held.release()
    with qtbot.waitSignal(reads(opened).read) as read:
        pass
    assert text_of(read.args[0]) == LONG
    assert opened.services.inference.info.model == str(tiny_model_folder)


def test_nothing_is_read_where_it_is_switched_off(opened: Opened, qtbot: QtBot, passes: list[int]) -> None:
    opened.services.settings.update(read_ahead=False)
    paste(opened, LONG)
    read_to_its_end(opened, qtbot)
    assert passes == []
    assert engine_of(opened).context is None


def test_nothing_is_read_while_the_computer_saves_power(
    opened: Opened, qtbot: QtBot, passes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "profile").write_text("low-power\n")
    monkeypatch.setattr(power_saver, "PROFILE", tmp_path / "profile")
    paste(opened, LONG)
    read_to_its_end(opened, qtbot)
    assert passes == []


def test_scores_come_from_the_same_pass_and_are_those_of_the_engine(
    opened: Opened, qtbot: QtBot, expected: Engine, passes: list[int]
) -> None:
    found: list[ScoredText] = []
    reads(opened).scored.connect(found.append)
    read_ahead(opened).set_scored(True)
    paste(opened, LONG)
    read_to_its_end(opened, qtbot)
    ids = gpt2_tokenizer().encode(LONG)
    assert passes == [PROMPT_CHUNK, len(ids) - PROMPT_CHUNK]
    assert text_of(found[-1].text) == LONG
    assert found[-1].found.complete
    scores = TextReader(expected).scores(ids)
    assert scores is not None
    for one, other in zip(found[-1].found.scores, scores.scores, strict=True):
        np.testing.assert_array_equal(one, other)


@given(one=st.text("ab"), other=st.text("ab"))
def test_the_shared_beginning_of_two_texts(one: str, other: str) -> None:
    length = shared_length(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or not one[length:]
