"""Scores of given endings beside transformers, and the most probable continuations beside an exhaustive search."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.context import Context
from gptdesk.inference.continuations.beginnings import shared_beginnings
from gptdesk.inference.continuations.continuation import Continuation, shares
from gptdesk.inference.continuations.endings import score_endings
from gptdesk.inference.continuations.search import probable_continuations
from gptdesk.inference.engine import Engine
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.scoring.windows import window_start
from tests.random_models import random_model

VOCAB = 6
ENDINGS = [" mat.", " roof of the old barn", "ter", "\n\nA new line"]


@pytest.fixture(scope="module")
def engine(tiny_model_folder: Path) -> Engine:
    return Engine.load(tiny_model_folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def six_tokens() -> Engine:
    """A model of six tokens whose distributions are peaked."""
    config = GPT2Config(vocab_size=VOCAB, n_positions=16, n_embd=16, n_layer=2, n_head=2)
    return Engine(random_model(config, seed=3, std=0.5), gpt2_tokenizer())


def peer_logprob(peer: Any, ids: list[int], position: int) -> float:
    """Log-probability of the token at a position given what the model would read to choose it."""
    start = window_start(position, peer.config.n_positions)
    with torch.no_grad():
        logits = peer(torch.tensor([ids[start:position]])).logits[0, -1].double()
    return float(logits.log_softmax(-1)[ids[position]])


@pytest.mark.parametrize("repeats", [1, 5, 9], ids=["short", "filling the context", "longer than the context"])
def test_each_token_of_an_ending_has_the_log_probability_that_transformers_gives(
    engine: Engine, peer: Any, repeats: int
) -> None:
    prompt = "Once there was a cat who sat on the " * repeats + "mat"
    found = list(score_endings(engine, prompt, ENDINGS))
    assert [one.text for one in found] == ENDINGS
    for one in found:
        ids = gpt2_tokenizer().encode(prompt + one.text)
        assert list(one.ids) == ids[-len(one.ids) :]
        first = len(ids) - len(one.ids)
        expected = [peer_logprob(peer, ids, place) for place in range(first, len(ids))]
        np.testing.assert_allclose(one.logprobs, expected, atol=1e-4)
        assert one.total == pytest.approx(sum(expected), abs=1e-3)
        assert one.mean == pytest.approx(one.total / len(expected))
    weights = np.exp([one.total for one in found])
    np.testing.assert_allclose(shares(found), weights / weights.sum(), rtol=1e-6)


def test_shares_of_endings_that_underflow_are_those_of_their_differences() -> None:
    one, other = (Continuation("", (0,), (logprob,)) for logprob in (-2000.0, -2000.0 - math.log(3)))
    assert shares([one, other]) == pytest.approx([0.75, 0.25])


def test_the_end_of_a_prompt_that_joins_an_ending_is_scored_with_every_ending(engine: Engine) -> None:
    tokenizer = gpt2_tokenizer()
    joined, apart = score_endings(engine, "Hello wor", ["ld", " and"])
    assert [tokenizer.piece(id) for id in joined.ids] == [" world"]
    assert tokenizer.decode(apart.ids) == " wor and"


def test_endings_of_an_empty_prompt_follow_the_token_that_begins_a_text(engine: Engine, peer: Any) -> None:
    (one,) = score_endings(engine, "", ["Once upon"])
    ids = [50256, *gpt2_tokenizer().encode("Once upon")]
    np.testing.assert_allclose(one.logprobs, [peer_logprob(peer, ids, place) for place in (1, 2)], atol=1e-4)


def test_the_prompt_is_read_once_and_stays_ready_to_be_completed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    feed, network = Context._feed, engine.network

    def counted(plain: Any, count: int, *arguments: Any, **options: Any) -> Any:
        read.append(count)
        return plain(*arguments, **options)

    monkeypatch.setattr(Context, "_feed", lambda self, ids, **how: counted(feed, len(ids), self, ids, **how))
    plain = network.read
    monkeypatch.setattr(network, "read", lambda ids, *rest: counted(plain, len(ids), ids, *rest))
    prompt = "The dog looked at the moon and the stars"
    length = len(gpt2_tokenizer().encode(prompt))
    found = list(score_endings(engine, prompt, [" all night long", " again", " until it fell asleep"]))
    assert read == [length, *(len(one.ids) - 1 for one in found if len(one.ids) > 1)]
    read.clear()
    completed = list(engine.generate(prompt, DecodingSettings(max_tokens=1, seed=1)))
    assert read == []
    engine.context = None
    assert next(engine.generate(prompt, DecodingSettings(max_tokens=1, seed=1))) == completed[0]


@pytest.mark.parametrize(
    ("endings", "sentence"),
    [([], "An ending is empty"), ([" a", ""], "An ending is empty"), ([" a", " b", " a"], "“ a” is given twice")],
)
def test_endings_that_cannot_be_compared_are_refused(engine: Engine, endings: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        list(score_endings(engine, "Once", endings))


def test_interrupted_scoring_keeps_the_endings_that_are_done(engine: Engine) -> None:
    done: list[Continuation] = []
    for one in score_endings(engine, "Once upon a", [" time", " day"], interrupted=lambda: bool(done)):
        done.append(one)
    assert [one.text for one in done] == [" time"]


def exhaustive(engine: Engine, prompt: list[int], length: int, ends: set[int]) -> list[tuple[float, tuple[int, ...]]]:
    """Log-probability and ids of every continuation, the most probable first, each computed alone."""
    paths = {
        path[: next((place + 1 for place, id in enumerate(path) if id in ends), length)]
        for path in itertools.product(range(VOCAB), repeat=length)
    }
    found = []
    for path in paths:
        with torch.no_grad():
            logprobs = engine.model(torch.tensor([[*prompt, *path]]))[0].double().log_softmax(-1)
        total = sum(float(logprobs[len(prompt) - 1 + place, id]) for place, id in enumerate(path))
        found.append((total, path))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("ends", [set(), {2}], ids=["no end of text", "token 2 ends a text"])
def test_the_most_probable_continuations_are_those_of_an_exhaustive_search(six_tokens: Engine, ends: set[int]) -> None:
    engine = Engine(six_tokens.model, gpt2_tokenizer().ending_at(tuple(ends), None))
    prompt = [4, 1, 3, 0]
    expected = exhaustive(engine, prompt, 3, ends)
    found = list(probable_continuations(engine, prompt, count=len(expected) + 1, length=3))
    assert [one.ids for one in found] == [path for _, path in expected]
    np.testing.assert_allclose([one.total for one in found], [total for total, _ in expected], atol=1e-4)
    assert sum(one.probability for one in found) == pytest.approx(1, abs=1e-5)
    few = list(probable_continuations(engine, prompt, count=5, length=3))
    assert few == found[:5]


def test_a_search_that_may_not_go_on_has_found_the_most_probable_ones_of_all(six_tokens: Engine) -> None:
    whole = list(probable_continuations(six_tokens, [1, 2], count=200, length=3))
    part = list(probable_continuations(six_tokens, [1, 2], count=200, length=3, most_steps=6))
    assert 0 < len(part) < len(whole)
    assert part == whole[: len(part)]
    first: list[Continuation] = []
    for one in probable_continuations(six_tokens, [1, 2], count=200, length=3, interrupted=lambda: bool(first)):
        first.append(one)
    assert first == whole[: len(first)]
    assert len(first) < len(whole)


def test_a_full_context_makes_room_for_the_continuations(six_tokens: Engine) -> None:
    ids = [one % VOCAB for one in range(16)]
    (found,) = probable_continuations(six_tokens, ids, count=1, length=4)
    total, path = exhaustive(six_tokens, ids[8:], 4, set())[0]
    assert found.ids == path
    assert found.total == pytest.approx(total, abs=1e-4)
    with pytest.raises(UserError, match="A continuation has 1 to 8 tokens, not 9"):
        next(probable_continuations(six_tokens, ids, count=1, length=9))


def test_continuations_that_begin_alike_share_their_beginning() -> None:
    found = [
        Continuation(str(ids), ids, tuple(map(math.log, probabilities)))
        for ids, probabilities in (
            ((1, 2, 3), (0.5, 0.5, 0.5)),
            ((1, 2, 4), (0.5, 0.5, 0.25)),
            ((5, 6, 7), (0.25, 0.5, 0.5)),
            ((1, 9), (0.5, 0.1)),
        )
    ]
    one, five = shared_beginnings(found)
    assert (one.ids, five.ids, five.children) == ((1,), (5, 6, 7), ())
    two, nine = one.children
    assert (two.ids, two.shared, nine.ids) == ((1, 2), 1, (1, 9))
    assert [child.ids for child in two.children] == [(1, 2, 3), (1, 2, 4)]
    assert one.probability == pytest.approx(0.5)
    assert two.probability == pytest.approx(0.25)
