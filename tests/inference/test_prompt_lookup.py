"""Draft tokens by prompt lookup: which ones are drafted, and that they change no text."""

from collections.abc import Sequence

import pytest

from gptdesk.folders import Folders
from gptdesk.inference.engine import DoneEvent, Engine, Event, NoticeEvent, TokenEvent
from gptdesk.inference.prompt_lookup import PromptLookup
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import BUNDLED, find_model

numba = pytest.importorskip("numba")


def test_what_followed_the_same_tokens_is_drafted() -> None:
    lookup, prompt = PromptLookup(3), [1, 2, 3, 4, 5, 6, 9]
    assert lookup.draft([*prompt, 1, 2, 3]) == [4, 5, 6]
    assert lookup.draft([*prompt, 1, 2, 3, 4]) == [5, 6, 9]
    assert lookup.draft([*prompt, 1, 2, 3, 4, 7]) == []


def test_the_last_place_counts_and_longer_matches_before_shorter_ones() -> None:
    assert PromptLookup(1).draft([1, 2, 5, 1, 2, 6, 1, 2]) == [6]
    assert PromptLookup(1).draft([7, 1, 2, 5, 8, 1, 2, 6, 7, 1, 2]) == [5]


def test_a_text_that_ends_in_its_own_repetition_is_drafted_as_far_as_it_goes() -> None:
    assert PromptLookup(7).draft([4, 4, 4, 4]) == [4]


def test_one_token_is_no_match_and_nothing_is_drafted_where_drafting_is_off() -> None:
    assert PromptLookup(4).draft([1, 2, 3, 2]) == []
    assert PromptLookup(0).draft([1, 2, 1, 2, 1, 2]) == []


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Of the model that comes with gptdesk, decoding in int8."""
    entry = find_model(BUNDLED, Folders.of_this_user())
    assert entry.path is not None
    loaded = Engine.load(entry.path, device="cpu", threads=2)
    assert loaded.decoder is not None
    assert loaded.decoder.result(timeout=600) is not None
    return loaded


def no_end(engine: Engine) -> dict[int, float]:
    """A bias with which the text goes on to its longest."""
    assert engine.tokenizer.end_of_text is not None
    return {engine.tokenizer.end_of_text: -100}


def written(events: Sequence[Event], index: int = 0) -> list[tuple[object, ...]]:
    return [
        (event.id, event.logprob, event.top)
        for event in events
        if isinstance(event, TokenEvent) and event.index == index
    ]


def done(events: Sequence[Event]) -> list[DoneEvent]:
    return [event for event in events if isinstance(event, DoneEvent)]


PROMPT = "The king had a horse. The queen had a cow. " * 40
"""Nearly fills the context, so that it is read again on the way."""


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("drafts", [1, 4, 7])
def test_the_text_is_the_same_bit_for_bit(engine: Engine, temperature: float, drafts: int) -> None:
    settings = {
        "temperature": temperature,
        "seed": 3,
        "max_tokens": 120,
        "top_logprobs": 3,
        "logit_bias": no_end(engine),
    }
    plain = [*engine.generate(PROMPT, DecodingSettings(**settings))]
    drafted = [*engine.generate(PROMPT, DecodingSettings(**settings, prompt_lookup=drafts))]
    assert written(drafted) == written(plain)
    assert [type(event) for event in drafted].count(NoticeEvent) == 1, "the context filled on the way"
    (end,) = done(drafted)
    assert 0 < end.accepted_tokens <= end.draft_tokens
    assert (done(plain)[0].draft_tokens, done(plain)[0].accepted_tokens) == (0, 0)


def test_several_completions_have_drafts_side_by_side(engine: Engine) -> None:
    settings = {"temperature": 0.7, "seed": 3, "max_tokens": 60, "logit_bias": no_end(engine)}
    many = [*engine.generate(PROMPT, DecodingSettings(**settings, n=3, prompt_lookup=7))]
    for index in range(3):
        alone = [*engine.generate(PROMPT, DecodingSettings(**settings | {"seed": 3 + index}))]
        assert written(many, index) == written(alone)
    assert sum(end.draft_tokens for end in done(many)) > 0


def test_the_next_prompt_is_read_as_if_there_had_been_no_drafts(engine: Engine) -> None:
    settings = DecodingSettings(temperature=0, max_tokens=20, prompt_lookup=7)
    texts = [written([*engine.generate(prompt, settings)]) for prompt in (PROMPT, PROMPT[:-5], PROMPT, PROMPT[:-5])]
    assert texts[:2] == texts[2:]


def test_a_network_alone_reads_no_drafts(engine: Engine) -> None:
    slow = Engine(engine.network, engine.tokenizer)
    (end,) = done([*slow.generate(PROMPT, DecodingSettings(temperature=0, max_tokens=20, prompt_lookup=7))])
    assert end.draft_tokens == 0
