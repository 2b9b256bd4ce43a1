"""Scores of every token of a text, beside transformers on the same weights, past a full context too."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.block_sizes import PROMPT_CHUNK as CHUNK
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.scoring.scores import Summary, TextScores
from gptdesk.inference.scoring.table import as_csv, byte_lengths, scored_tokens
from gptdesk.inference.scoring.windows import half_context, loss_windows, window_start
from tests.random_models import random_model

TEXT = (
    "The cat sat on the mat, and the dog — who had been there before — looked at it.\n\n"
    "\"Where are you going?\" said the farmer. “Über die Brücke,” answered the cat, 'and home by 7:30!' 🐈\n"
)
LONG = GPT2Config(vocab_size=300, n_positions=2 * CHUNK + 40, n_embd=32, n_layer=3, n_head=2)


@pytest.fixture
def engine(tiny_model_folder: Path) -> Engine:
    return Engine.load(tiny_model_folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def long_model() -> GPT2:
    """One whose context has several chunks, the last of them not whole."""
    return random_model(LONG)


def random_ids(length: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, LONG.vocab_size, length).tolist()


def scores(engine: Engine, ids: Sequence[int]) -> TextScores:
    found = TextReader(engine).scores(ids)
    assert found is not None
    return found


def peer_logits(peer: Any, ids: Sequence[int], position: int) -> torch.Tensor:
    """Logits of the token at a position given what the model would read to choose it, in double precision."""
    start = window_start(position, peer.config.n_positions)
    with torch.no_grad():
        logits: torch.Tensor = peer(torch.tensor([ids[start:position]])).logits[0, -1].double()
    return logits


def test_every_score_equals_transformers_past_a_full_context_too(engine: Engine, peer: Any) -> None:
    ids = gpt2_tokenizer().encode(TEXT * 3)
    assert len(ids) > 2 * peer.config.n_positions
    found = scores(engine, ids)
    assert np.isnan(found.scores.logprobs[0])
    assert found.scores.ranks[0] == 0
    for place in range(1, len(ids)):
        logits = peer_logits(peer, ids, place)
        expected = logits.log_softmax(-1)
        assert found.scores.logprobs[place] == pytest.approx(float(expected[ids[place]]), abs=1e-4)
        assert found.scores.entropies[place] == pytest.approx(float(torch.special.entr(expected.exp()).sum()), abs=1e-4)
        assert found.scores.ranks[place] == 1 + int((logits > logits[ids[place]]).sum())
        best, best_ids = expected.topk(10)
        assert found.scores.top_ids[place].tolist() == best_ids.tolist()
        np.testing.assert_allclose(found.scores.top_logprobs[place], best, atol=1e-4)


def test_tokens_that_the_engine_wrote_have_the_scores_that_it_reported(engine: Engine) -> None:
    prompt = gpt2_tokenizer().encode(TEXT)
    settings_ = DecodingSettings(max_tokens=100, seed=1, logit_bias={50256: -100.0}, top_logprobs=10)
    events = [event for event in engine.generate(prompt, settings_) if isinstance(event, TokenEvent)]
    found = scores(engine, [*prompt, *(event.id for event in events)]).scores
    for place, event in enumerate(events, len(prompt)):
        assert found.logprobs[place] == pytest.approx(event.logprob, abs=1e-4)
        assert found.entropies[place] == pytest.approx(event.entropy, abs=1e-4)
        assert found.top_ids[place].tolist() == [one.id for one in event.top]


@given(length=st.integers(0, 60), context=st.integers(1, 12))
def test_windows_half_a_context_apart_read_what_the_engine_reads_to_choose_each_token(
    length: int, context: int
) -> None:
    windows = loss_windows(length, context=context, stride=half_context(context))
    places = [(place, start) for start, first, end in windows for place in range(first, end)]
    assert [place for place, _ in places] == list(range(1, length))
    assert all(start == window_start(place, context) for place, start in places)


@pytest.mark.parametrize("length", [1, 2, CHUNK, CHUNK + 1, 2 * CHUNK + 40, 2 * CHUNK + 41, 3 * CHUNK, 700])
def test_what_was_scored_before_changes_no_bit(long_model: GPT2, length: int) -> None:
    ids = random_ids(length)
    fresh = scores(Engine(long_model, gpt2_tokenizer()), ids)
    used = TextReader(Engine(long_model, gpt2_tokenizer()))
    used.scores(random_ids(300, seed=5))
    used.scores(ids[: length // 2] or ids)
    used.scores([*ids, 7, 8])
    again = used.scores(ids)
    assert again is not None
    for one, other in zip(fresh.scores, again.scores, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def tokens_read(long_model: GPT2) -> Any:
    """How many tokens each pass through the network read."""
    counts: list[int] = []
    hook = long_model.wte.register_forward_hook(lambda module, args, output: counts.append(args[0].shape[1]))
    yield counts
    hook.remove()


def test_a_text_that_was_read_ahead_is_scored_and_completed_without_reading_it_again(
    long_model: GPT2, tokens_read: list[int]
) -> None:
    engine = Engine(long_model, gpt2_tokenizer())
    ids = random_ids(2 * CHUNK + 10)
    reader = TextReader(engine)
    assert reader.read_ahead(ids)
    assert tokens_read == [CHUNK, CHUNK, 10]
    assert reader.scores(ids) is not None
    next(engine.generate(ids, DecodingSettings(max_tokens=1)))
    assert tokens_read == [CHUNK, CHUNK, 10]


def test_of_a_text_longer_than_the_context_its_end_stays_ready_to_be_completed(
    long_model: GPT2, tokens_read: list[int]
) -> None:
    engine = Engine(long_model, gpt2_tokenizer())
    reader = TextReader(engine)
    ids = random_ids(4 * LONG.n_positions)
    reader.read_ahead(ids)
    reader.scores(ids)
    tokens_read.clear()
    next(engine.generate(ids, DecodingSettings(max_tokens=1)))
    assert reader.scores(ids) is not None  # known from before
    assert tokens_read == []


def test_an_added_token_scores_only_its_last_chunk_again(long_model: GPT2, tokens_read: list[int]) -> None:
    reader = TextReader(Engine(long_model, gpt2_tokenizer()))
    ids = random_ids(2 * CHUNK + 10)
    reader.scores(ids)
    tokens_read.clear()
    firsts = [first for first, _ in reader.score([*ids, 3])]
    assert firsts == [1, CHUNK + 1, 2 * CHUNK + 1]
    assert tokens_read == [11]


@settings(max_examples=30)
@given(stops=st.lists(st.integers(1, 40), max_size=6), length=st.integers(1, 700))
def test_interrupted_anywhere_reading_and_scoring_change_no_bit_of_a_completion(
    long_model: GPT2, stops: list[int], length: int
) -> None:
    engine, ids = Engine(long_model, gpt2_tokenizer()), random_ids(length)
    reader = TextReader(engine)
    for number, stop in enumerate(stops):
        answers = iter([False] * stop)
        part = ids[: max(1, length * (number + 1) // len(stops))]
        if reader.read_ahead(part, interrupted=lambda _, left=answers: next(left, True)):
            list(reader.score(part, interrupted=lambda _, left=answers: next(left, True)))
    wanted = DecodingSettings(max_tokens=4, seed=1, top_logprobs=3)
    expected = list(Engine(long_model, gpt2_tokenizer()).generate(ids, wanted))
    for event, other in zip(engine.generate(ids, wanted), expected, strict=True):
        if isinstance(event, TokenEvent):
            assert event == other


def test_interrupted_scores_are_none_and_the_next_call_goes_on(long_model: GPT2, tokens_read: list[int]) -> None:
    reader = TextReader(Engine(long_model, gpt2_tokenizer()))
    ids = random_ids(2 * CHUNK)
    assert reader.scores(ids, interrupted=lambda needed: needed > CHUNK + 1) is None
    assert tokens_read == [CHUNK, CHUNK]  # the second is given up before its first block
    assert reader.scores(ids) is not None


def test_the_network_says_how_much_is_scored_at_once(long_model: GPT2, tokens_read: list[int]) -> None:
    engine = Engine(long_model, gpt2_tokenizer())
    engine.network.prompt_chunk = 2 * CHUNK  # type: ignore[misc]
    ids = random_ids(2 * CHUNK + 10)
    assert [first for first, _ in TextReader(engine).score(ids)] == [1, 2 * CHUNK + 1]
    assert tokens_read == [2 * CHUNK, 10]


@pytest.mark.parametrize("length", [1, CHUNK, 2 * CHUNK + 40, 500])
def test_logits_at_the_end_are_those_of_the_first_choice_and_others_those_of_the_text(
    long_model: GPT2, length: int
) -> None:
    ids = random_ids(length)
    engine = Engine(long_model, gpt2_tokenizer())
    reader = TextReader(engine)
    reader.read_ahead(ids)
    logits = reader.logits_at(ids, length)
    assert logits is not None
    assert engine.context is not None
    assert np.array_equal(logits, engine.context.logits)
    for position in {1, length // 3 + 1, length}:
        found = reader.logits_at(ids, position)
        start = window_start(position, LONG.n_positions)
        with torch.no_grad():
            expected = long_model(torch.tensor([ids[start:position]]))[0, -1]
        assert found is not None
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=1e-4)


def test_a_token_that_the_model_does_not_have_is_refused(long_model: GPT2) -> None:
    with pytest.raises(UserError, match="the model knows only 0 to 299"):
        TextReader(Engine(long_model, gpt2_tokenizer())).scores([1, 300])


def test_a_model_that_computes_no_numbers_is_reported() -> None:
    model = GPT2(LONG)
    torch.nn.init.constant_(model.ln_f.weight, math.nan)
    with pytest.raises(UserError, match="not numbers"):
        TextReader(Engine(model, gpt2_tokenizer())).scores([1, 2, 3])


@pytest.mark.parametrize("precision", ["bfloat16", "int8", "int4"])
def test_every_precision_scores_as_its_own_weights_say(tiny_model_folder: Path, precision: str) -> None:
    ids = gpt2_tokenizer().encode(TEXT)
    exact = scores(Engine.load(tiny_model_folder, device="cpu", precision="float32"), ids).scores
    found = scores(Engine.load(tiny_model_folder, device="cpu", precision=precision), ids).scores
    assert np.isfinite(found.logprobs[1:]).all()
    assert np.abs(found.logprobs[1:] - exact.logprobs[1:]).mean() < 0.05


def test_rows_of_a_table_cover_the_text_and_unknown_scores_are_empty(engine: Engine) -> None:
    tokenizer = gpt2_tokenizer()
    ids = tokenizer.encode(TEXT)
    rows = list(scored_tokens(scores(engine, ids), tokenizer.spans(TEXT), tokenizer, top=2))
    assert rows[0].logprob is rows[0].rank is None
    assert [TEXT[row.start : row.end] for row in rows[:3]] == ["The", " cat", " sat"]
    assert {row.start for row in rows} | {row.end for row in rows} >= {0, len(TEXT)}
    assert rows[5].surprisal == pytest.approx(-rows[5].logprob / math.log(2))
    assert len(rows[5].top) == 2
    lines = list(as_csv(rows))
    assert lines[0] == "index,start,end,id,text,logprob,surprisal,rank,entropy\n"
    assert lines[1] == "0,0,3,464,The,,,,\n"
    assert len(lines) == 1 + len(ids)


def test_a_summary_counts_the_scored_tokens_and_their_bytes(engine: Engine) -> None:
    tokenizer = gpt2_tokenizer()
    ids = tokenizer.encode(TEXT)
    found = scores(engine, ids)
    summary = Summary.of(found.scores.logprobs, byte_lengths(ids, tokenizer))
    nats = -float(np.nansum(found.scores.logprobs.astype(np.float64)))
    assert summary.tokens == len(ids) - 1
    assert summary.bytes == len(TEXT.encode()) - 3
    assert summary.perplexity == pytest.approx(math.exp(nats / (len(ids) - 1)))
    assert summary.bits_per_byte == pytest.approx(nats / (len(TEXT.encode()) - 3) / math.log(2))
    assert math.isnan(Summary.of(found.scores.logprobs[:1], [3]).perplexity)
