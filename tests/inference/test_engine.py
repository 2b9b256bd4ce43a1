"""Completions end to end, on small models with random weights and on one whose weights spell a given text."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import END_OF_TEXT, GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.block_sizes import PROMPT_CHUNK as CHUNK
from gptdesk.inference.engine import DoneEvent, Engine, Event, NoticeEvent, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.random_models import random_model

SMALL = GPT2Config(n_positions=320, n_embd=32, n_layer=2, n_head=4)
PROMPT = (
    "Once upon a time there was a house at the edge of the wood, and nobody knew who lived there. " * 7
)  # more than one chunk
SAMPLED = DecodingSettings(temperature=0.9, top_k=50, top_p=0.95, seed=3, max_tokens=20, top_logprobs=3)


@pytest.fixture(scope="module")
def model() -> GPT2:
    return random_model(SMALL, std=0.3)


@pytest.fixture
def engine(model: GPT2) -> Engine:
    return Engine(model, gpt2_tokenizer(), name="small")


def _results(events: Sequence[Event], index: int) -> list[tuple[object, ...]]:
    """All of one completion that must not change with what else goes on."""
    results: list[tuple[object, ...]] = []
    for event in events:
        if event.index != index:
            continue
        if isinstance(event, TokenEvent):
            results.append((event.id, event.text, event.logprob, event.top))
        elif isinstance(event, DoneEvent):
            results.append((event.text, event.tail, event.finish_reason, event.completion_tokens))
    return results


def _done(events: Sequence[Event], index: int = 0) -> DoneEvent:
    (done,) = (event for event in events if isinstance(event, DoneEvent) and event.index == index)
    return done


def _cancel_after(calls: int) -> Callable[[], bool]:
    """False so many times, then True."""
    answers = iter([False] * calls)
    return lambda: next(answers, True)


# A model that spells a given sequence of tokens, one at each position, and then <|endoftext|>.

SPELLED = GPT2Config(n_positions=64, n_embd=128, n_layer=1, n_head=1, bias=False, tie_word_embeddings=False)


@pytest.fixture(scope="module")
def spelling() -> Callable[[Sequence[int]], Engine]:
    model = GPT2(SPELLED)
    for weight in model.parameters():
        torch.nn.init.zeros_(weight)
    with torch.no_grad():
        model.wpe.weight.copy_(torch.cat([torch.eye(64), -torch.eye(64)], dim=1))  # mean 0, as the layer norm wants it
        model.ln_f.weight.fill_(1)

    def spell(ids: Sequence[int]) -> Engine:
        assert len(ids) <= SPELLED.n_positions
        with torch.no_grad():
            model.lm_head.weight.zero_()
            for position in range(SPELLED.n_positions):
                id = ids[position] if position < len(ids) else END_OF_TEXT
                model.lm_head.weight[id, position] = 10
        return Engine(model, gpt2_tokenizer())

    return spell


def _byte_ids(text: str) -> list[int]:
    """One token for each byte."""
    tokenizer = gpt2_tokenizer()
    id_of = {tokenizer.token_bytes(id): id for id in range(256)}
    return [id_of[bytes([byte])] for byte in text.encode()]


# Parity


@pytest.mark.parametrize(
    ("bias", "tied", "penalty"), [(True, True, 5.0), (False, False, 1.0)], ids=["bias, tied, penalty", "plain"]
)
def test_greedy_text_equals_transformers_over_200_tokens(tmp_path, bias, tied, penalty):
    shape = GPT2Config(n_positions=256, n_embd=32, n_layer=3, n_head=4, bias=bias, tie_word_embeddings=tied)
    save_model(random_model(shape, seed=6), tmp_path)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    prompt = gpt2_tokenizer().encode("The quick brown fox")
    ids = torch.tensor([prompt])
    expected = theirs.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=200,
        do_sample=False,
        repetition_penalty=penalty,
        eos_token_id=None,
        pad_token_id=END_OF_TEXT,
    )[0, len(prompt) :].tolist()
    assert len(set(expected)) > 100, "a text that repeats itself would prove little"
    greedy = DecodingSettings(temperature=0, max_tokens=200, repetition_penalty=penalty)
    events = [*Engine.load(tmp_path, device="cpu", precision="float32").generate(prompt, greedy)]
    assert [event.id for event in events if isinstance(event, TokenEvent)] == expected
    assert _done(events).text == gpt2_tokenizer().decode(expected)


def test_logprobs_equal_the_full_forward_also_after_the_context_filled(model, engine):
    prompt = (gpt2_tokenizer().encode(PROMPT) * 2)[:250]
    chosen = DecodingSettings(seed=1, max_tokens=400, top_logprobs=5, logit_bias={END_OF_TEXT: -100})
    window, notices = [*prompt], 0
    for event in engine.generate(prompt, chosen):
        if isinstance(event, NoticeEvent):
            notices += 1
            window = window[SMALL.n_positions // 2 :]
            assert f"the last {len(window)} were read again" in event.message
        if isinstance(event, TokenEvent):
            with torch.inference_mode():
                logprobs = model.next_token_logits(torch.tensor([window]))[0].log_softmax(dim=0)
            assert event.logprob == pytest.approx(float(logprobs[event.id]), abs=1e-4)
            assert [a.logprob for a in event.top] == pytest.approx(logprobs.topk(5).values.tolist(), abs=1e-4)
            assert all(float(logprobs[a.id]) == pytest.approx(a.logprob, abs=1e-4) for a in event.top)
            window.append(event.id)
    assert notices == 3  # at 320 tokens, and each time that another 160 were written
    assert event.finish_reason == "length"


def test_logprobs_are_the_models_own_before_filters_and_penalties(engine):
    plain = DecodingSettings(temperature=0, max_tokens=1, top_logprobs=5)
    first = next(engine.generate(PROMPT, plain))
    banned = DecodingSettings(
        temperature=0, max_tokens=1, top_logprobs=5, logit_bias={first.id: -100}, repetition_penalty=1.5
    )
    second = next(engine.generate(PROMPT, banned))
    assert second.top == first.top
    assert second.id != first.id
    assert first.logprob == first.top[0].logprob
    assert first.top[0].text == gpt2_tokenizer().piece(first.id)


def test_padded_rows_are_never_chosen_and_take_no_probability():
    padded = random_model(GPT2Config(vocab_size=50304, n_positions=32, n_embd=16, n_layer=1, n_head=1))
    cut = random_model(GPT2Config(n_positions=32, n_embd=16, n_layer=1, n_head=1))
    with torch.no_grad():
        padded.wte.weight[50257:] *= 100
        for (name, small), large in zip(cut.named_parameters(), padded.parameters(), strict=True):
            small.copy_(large[:50257] if name == "wte.weight" else large)
    chosen = DecodingSettings(seed=1, max_tokens=50, temperature=2.0, top_logprobs=20)
    both = [[*Engine(model, gpt2_tokenizer()).generate("x", chosen)] for model in (padded, cut)]
    assert [e.id for e in both[0] if isinstance(e, TokenEvent)] == [e.id for e in both[1] if isinstance(e, TokenEvent)]
    assert all(a.id < 50257 for e in both[0] if isinstance(e, TokenEvent) for a in e.top)
    assert all(
        ours.logprob == pytest.approx(theirs.logprob, abs=1e-4)
        for ours, theirs in zip(*both, strict=True)
        if isinstance(ours, TokenEvent)
    )


# Same seed, same text


def test_a_completion_does_not_depend_on_how_many_are_asked_for(engine):
    many = [*engine.generate(PROMPT, DecodingSettings(n=4, seed=3, max_tokens=20, top_logprobs=3))]
    for index in range(4):
        assert _done(many, index).seed == 3 + index
        alone = [*engine.generate(PROMPT, DecodingSettings(seed=3 + index, max_tokens=20, top_logprobs=3))]
        assert _results(alone, 0) == _results(many, index)
    assert len({_done(many, index).text for index in range(4)}) == 4
    assert len({event.id for event in many[:4]}) > 1, "already the first tokens differ"


def test_completions_share_one_reading_of_the_prompt(model, engine):
    read: list[int] = []
    hook = model.wte.register_forward_hook(lambda module, args, output: read.append(args[0].numel()))
    length = len(engine.tokenizer.encode(PROMPT))
    try:
        list(engine.generate(PROMPT, replace(SAMPLED, n=4, max_tokens=3)))
        assert sum(read) == length + 4 * 2, "each token but the last one of each completion"
        read.clear()
        list(engine.generate(PROMPT, replace(SAMPLED, n=8, max_tokens=3, seed=100)))
        assert sum(read) == 8 * 2, "a second round of the same prompt reads nothing of it"
    finally:
        hook.remove()


@pytest.mark.parametrize("stopped", [0, 2])
def test_stopping_one_completion_changes_no_other(engine, stopped):
    settings = DecodingSettings(n=3, seed=3, max_tokens=12, logit_bias={END_OF_TEXT: -100})
    whole = list(engine.generate(PROMPT, settings))
    chosen = 0

    def cancelled_one(index: int) -> bool:
        return index == stopped and chosen >= 5

    events: list[Event] = []
    for event in engine.generate(PROMPT, settings, cancelled_one=cancelled_one):
        events.append(event)
        chosen += isinstance(event, TokenEvent) and event.index == stopped
    assert (_done(events, stopped).finish_reason, _done(events, stopped).completion_tokens) == ("cancelled", 5)
    assert _done(whole, stopped).text.startswith(_done(events, stopped).text)
    for index in {0, 1, 2} - {stopped}:
        assert _results(events, index) == _results(whole, index)


def test_what_was_asked_before_changes_nothing(model, engine):
    expected = _results([*Engine(model, gpt2_tokenizer()).generate(PROMPT, SAMPLED)], 0)
    befores = [
        PROMPT,  # the same
        PROMPT[: len(PROMPT) // 2],  # the beginning
        PROMPT + " More of it.",
        PROMPT + _done([*engine.generate(PROMPT, SAMPLED)]).text,  # what was written becomes the prompt
        "Something else.",
        PROMPT * 4,  # longer than the context
    ]
    for before in befores:
        for _ in engine.generate(before, DecodingSettings(max_tokens=90, n=2, logit_bias={END_OF_TEXT: -100})):
            pass
        assert _results([*engine.generate(PROMPT, SAMPLED)], 0) == expected
    for _ in engine.generate(PROMPT, SAMPLED, cancelled=_cancel_after(1)):
        pass
    assert _results([*engine.generate(PROMPT, SAMPLED)], 0) == expected


def test_a_call_left_unfinished_and_one_begun_meanwhile_change_nothing(model, engine):
    expected = _results([*Engine(model, gpt2_tokenizer()).generate(PROMPT, SAMPLED)], 0)
    first = engine.generate(PROMPT, SAMPLED)
    events = [next(first) for _ in range(5)]
    left = engine.generate(PROMPT + "x", SAMPLED)
    next(left)
    assert _results([*engine.generate(PROMPT, SAMPLED)], 0) == expected
    assert _results([*events, *first], 0) == expected
    left.close()
    assert _results([*engine.generate(PROMPT, SAMPLED)], 0) == expected


def test_the_reported_seed_gives_the_same_text_again(engine):
    fresh = [*engine.generate(PROMPT, DecodingSettings(max_tokens=10))]
    other = [*engine.generate(PROMPT, DecodingSettings(max_tokens=10))]
    assert _done(fresh).text != _done(other).text
    again = [*engine.generate(PROMPT, DecodingSettings(max_tokens=10, seed=_done(fresh).seed))]
    assert _results(again, 0) == _results(fresh, 0)


def test_the_largest_seed_leaves_room_for_several_completions(engine):
    events = [*engine.generate("x", DecodingSettings(max_tokens=1, seed=2**63 - 1, n=2))]
    assert [_done(events, index).seed for index in range(2)] == [2**63 - 1, 0]


def test_text_and_the_tokens_of_that_text_give_the_same(engine):
    ids = gpt2_tokenizer().encode(PROMPT)
    assert _results([*engine.generate(ids, SAMPLED)], 0) == _results([*engine.generate(PROMPT, SAMPLED)], 0)


# Text


@pytest.mark.parametrize("text", ["naïve café", "日本語のテキスト", "👩‍👩‍👧‍👦 🇩🇪 ok", "a\r\n\tb", "plain"])
@pytest.mark.parametrize("encode", [_byte_ids, lambda text: gpt2_tokenizer().encode(text)], ids=["bytes", "tokens"])
def test_streamed_text_never_shows_a_broken_character(spelling, text, encode):
    ids = encode(text)
    events = [*spelling(ids).generate("", DecodingSettings())]
    tokens = [event for event in events if isinstance(event, TokenEvent)]
    assert [event.id for event in tokens] == ids
    assert "".join(event.text for event in tokens) == text == _done(events).text
    assert not any("\ufffd" in event.text for event in tokens)


def test_text_that_ends_within_a_character_says_so_in_its_tail(spelling):
    events = [*spelling(_byte_ids("ab🦊")).generate("", DecodingSettings(max_tokens=4))]
    assert [event.text for event in events if isinstance(event, TokenEvent)] == ["a", "b", "", ""]
    assert (_done(events).text, _done(events).tail) == ("ab\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("One. Two. Three.", (" Three",), "One. Two."),
        ("One. Two. Three.", ("wo. T",), "One. T"),  # begins and ends inside tokens
        ("One. Two. Three.", ("e", "One"), ""),  # the same character completes both
        ("One. Two. Three.", ("absent", "Three.", "."), "One"),
        ("\n\nfirst\n\nsecond", ("\n\n",), ""),
        ("日本語のテキスト", ("の",), "日本語"),
    ],
)
@pytest.mark.parametrize("encode", [_byte_ids, lambda text: gpt2_tokenizer().encode(text)], ids=["bytes", "tokens"])
def test_the_text_ends_exactly_before_the_stop_string(spelling, text, stop, expected, encode):
    events = [*spelling(encode(text)).generate("", DecodingSettings(stop=stop))]
    done = _done(events)
    assert (done.text, done.tail, done.finish_reason) == (expected, "", "stop")
    assert "".join(event.text for event in events if isinstance(event, TokenEvent)) == expected
    assert done.completion_tokens == len(events) - 1


@pytest.mark.parametrize(
    ("text", "until", "expected"),
    [('"Go." She went', "sentence", '"Go."'), ("One\n\nTwo", "paragraph", "One"), ("One \nTwo", "line", "One")],
)
def test_the_text_ends_with_its_unit_and_streams_nothing_behind_it(spelling, text, until, expected):
    events = [*spelling(_byte_ids(text)).generate("", DecodingSettings(until=until))]
    done = _done(events)
    assert (done.text, done.tail, done.finish_reason) == (expected, "", "stop")
    assert "".join(event.text for event in events if isinstance(event, TokenEvent)) == expected


def test_each_of_several_completions_ends_with_its_own_unit(model):
    settings = DecodingSettings(seed=3, n=3, max_tokens=60, logit_bias={198: 2, 13: 2})
    whole = [
        event.text
        for event in Engine(model, gpt2_tokenizer()).generate("Once", settings)
        if isinstance(event, DoneEvent)
    ]
    for unit in ("line", "sentence"):
        events = [*Engine(model, gpt2_tokenizer()).generate("Once", replace(settings, until=unit))]
        done = {event.index: event for event in events if isinstance(event, DoneEvent)}
        for index, one in done.items():
            assert any(text.startswith(one.text) for text in whole)
            alone = replace(settings, until=unit, n=1, seed=one.seed)
            assert _done([*Engine(model, gpt2_tokenizer()).generate("Once", alone)]).text == one.text
            streamed = "".join(e.text for e in events if isinstance(e, TokenEvent) and e.index == index)
            assert streamed + one.tail == one.text


def test_text_held_back_for_a_stop_string_that_never_came_is_the_tail(spelling):
    events = [*spelling(_byte_ids("End of li")).generate("", DecodingSettings(stop=("line",)))]
    assert [event.text for event in events if isinstance(event, TokenEvent)] == [*"End of ", "", ""]
    assert (_done(events).text, _done(events).tail, _done(events).finish_reason) == ("End of li", "li", "end_of_text")


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.integers(0, 50255), st.sampled_from(_byte_ids("é👍 \n"))), max_size=40),
    st.lists(
        st.one_of(st.text(max_size=4), st.sampled_from(["\n", " ", "e", "th", "👍", "\ufffd"])).filter(bool), max_size=3
    ),
    st.integers(1, 40),
)
@example(_byte_ids("👍")[:2], ["\ufffd"], 40)
def test_any_tokens_and_stop_strings_give_the_text_cut_by_hand(spelling, ids, stop, max_tokens):
    events = [*spelling(ids).generate("", DecodingSettings(stop=stop, max_tokens=max_tokens))]
    whole = gpt2_tokenizer().decode(ids[:max_tokens])
    ends = [(whole.find(string) + len(string), whole.find(string)) for string in stop if string in whole]
    done = _done(events)
    assert done.text == (whole[: min(ends)[1]] if ends else whole)
    assert done.text == "".join(event.text for event in events if isinstance(event, TokenEvent)) + done.tail
    assert done.finish_reason == ("stop" if ends else "length" if max_tokens <= len(ids) else "end_of_text")


def test_end_of_text_ends_and_is_not_part_of_the_text(spelling):
    ids = gpt2_tokenizer().encode("The end.")
    events = [*spelling(ids).generate("", DecodingSettings())]
    done = _done(events)
    assert (done.text, done.finish_reason, done.completion_tokens) == ("The end.", "end_of_text", len(ids))
    assert all(event.id != END_OF_TEXT for event in events if isinstance(event, TokenEvent))


def test_end_of_text_can_be_banned(spelling):
    ids = gpt2_tokenizer().encode("The end.")
    banned = DecodingSettings(logit_bias={END_OF_TEXT: -100}, max_tokens=20, temperature=0)
    done = _done([*spelling(ids).generate("", banned)])
    assert (done.finish_reason, done.completion_tokens) == ("length", 20)
    assert done.text.startswith("The end.")


def test_a_completion_that_ends_at_once_is_empty(spelling):
    events = [*spelling([]).generate("", DecodingSettings())]
    assert len(events) == 1
    assert (events[0].text, events[0].finish_reason, events[0].tokens_per_s) == ("", "end_of_text", 0)


# Prompts


def test_an_empty_prompt_begins_a_document(engine):
    events = [*engine.generate("", SAMPLED)]
    assert _done(events).prompt_tokens == 1
    assert _results(events, 0) == _results([*engine.generate([END_OF_TEXT], SAMPLED)], 0)


def test_end_of_text_typed_by_a_person_is_text(engine):
    assert _done([*engine.generate("<|endoftext|>", SAMPLED)]).prompt_tokens > 1


@pytest.mark.parametrize("length", [320, 321, 480, 481, 2000])
def test_of_a_prompt_longer_than_the_context_the_last_part_is_read(engine, length):
    ids = torch.randint(0, 50000, (length,), generator=torch.Generator().manual_seed(1)).tolist()
    first, *rest = engine.generate(ids, SAMPLED)
    if length <= 320:
        assert isinstance(first, TokenEvent)
        assert _done(rest).prompt_tokens == length
        return
    read = _done(rest).prompt_tokens
    assert first == NoticeEvent(
        0, f"The prompt has {length:,} tokens, more than the context of 320: only the last {read} are read."
    )
    assert 160 < read <= 320
    assert _results([first, *rest], 0) == _results([*engine.generate(ids[-read:], SAMPLED)], 0)


def test_a_prompt_of_a_million_characters_is_read_from_its_end(engine):
    first, *rest = engine.generate("All work and no play. " * 50_000, SAMPLED)
    assert isinstance(first, NoticeEvent)
    assert 160 < _done(rest).prompt_tokens <= 320


def test_a_text_written_past_the_context_is_read_again_as_it_would_be_as_a_prompt(engine):
    greedy = DecodingSettings(temperature=0, max_tokens=350, repetition_penalty=1.3)
    events = list(engine.generate("x", greedy))
    place = next(place for place, event in enumerate(events) if isinstance(event, NoticeEvent))
    ids = [*gpt2_tokenizer().encode("x"), *(event.id for event in events[:place])]
    notice, first, _ = engine.generate(
        ids, DecodingSettings(temperature=0, max_tokens=1, logit_bias={events[place + 1].id: 100})
    )
    assert "only the last 161" in notice.message
    assert (first.id, first.logprob) == (events[place + 1].id, events[place + 1].logprob)


@pytest.mark.parametrize("n_positions", [1, 2, 3])
def test_the_smallest_contexts_write_on(n_positions):
    model = random_model(GPT2Config(n_positions=n_positions, n_embd=8, n_layer=1, n_head=1))
    long = DecodingSettings(max_tokens=10, seed=1, logit_bias={END_OF_TEXT: -100})
    assert _done([*Engine(model, gpt2_tokenizer()).generate("a b c d e", long)]).completion_tokens == 10


# Several at once, cancelling, timings


def test_completions_take_turns_and_the_others_go_on_when_one_ends(engine):
    events = [*engine.generate(PROMPT, DecodingSettings(n=3, seed=5, max_tokens=30, temperature=1.5, stop=("a", "e")))]
    lengths = [_done(events, index).completion_tokens for index in range(3)]
    assert len(set(lengths)) > 1, "they do not all end together"
    turns = [
        (sum(e.index == event.index for e in events[:place] if isinstance(e, TokenEvent)), event.index)
        for place, event in enumerate(events)
        if isinstance(event, TokenEvent)
    ]
    assert turns == sorted(turns)
    for index in range(3):
        own = [event for event in events if event.index == index]
        assert [isinstance(event, DoneEvent) for event in own] == [False] * (len(own) - 1) + [True]


def test_nothing_is_computed_when_cancelled_at_once(engine):
    events = [*engine.generate(PROMPT, DecodingSettings(n=3, seed=1), cancelled=lambda: True)]
    assert [(e.index, e.finish_reason, e.text, e.completion_tokens, e.ttft_ms) for e in events] == [
        (index, "cancelled", "", 0, 0) for index in range(3)
    ]


@pytest.mark.parametrize("calls", range(2, 8))
def test_cancelling_ends_before_the_next_token(engine, calls):
    ids = gpt2_tokenizer().encode(PROMPT)
    chunks = math.ceil(len(ids) / CHUNK)
    long = DecodingSettings(seed=1, max_tokens=10_000, stop=("absent",))
    events = [*engine.generate(ids, long, cancelled=_cancel_after(calls))]
    assert [type(event) for event in events] == [TokenEvent] * max(0, calls - chunks) + [DoneEvent]
    assert events[-1].finish_reason == "cancelled"
    assert events[-1].text == "".join(event.text for event in events[:-1]) + events[-1].tail


def test_cancelling_while_a_full_context_is_read_again(engine):
    ids = gpt2_tokenizer().encode(PROMPT * 3)[:320]
    chunks = math.ceil(320 / CHUNK)
    calls = chunks + 2 + 1  # the prompt, two tokens, the first chunk of the second reading
    events = [*engine.generate(ids, DecodingSettings(seed=1), cancelled=_cancel_after(calls))]
    assert [type(event) for event in events] == [TokenEvent, NoticeEvent, DoneEvent]
    assert events[-1].finish_reason == "cancelled"


def test_timings_and_names_are_reported(engine):
    done = _done([*engine.generate(PROMPT, SAMPLED)])
    assert done.ttft_ms > 0
    assert done.tokens_per_s > 0
    assert (done.device, done.precision, engine.name) == ("cpu", "float32", "small")
    assert (done.prompt_tokens, done.completion_tokens) == (len(gpt2_tokenizer().encode(PROMPT)), 20)
    single = _done([*engine.generate(PROMPT, DecodingSettings(max_tokens=1))])
    assert single.ttft_ms > 0
    assert single.tokens_per_s == 0


# What cannot be used


def test_weights_that_are_not_numbers_are_explained():
    model = random_model(GPT2Config(n_positions=32, n_embd=8, n_layer=1, n_head=1))
    with torch.no_grad():
        model.h[0].mlp.c_fc.weight[0, 0] = math.nan
    with pytest.raises(UserError, match="not numbers"):
        next(Engine(model, gpt2_tokenizer()).generate("x", DecodingSettings()))


@pytest.mark.parametrize("prompt", [[50257], [5, -1]])
def test_ids_that_the_model_does_not_know_are_refused(engine, prompt):
    with pytest.raises(UserError, match="The prompt has the token"):
        next(engine.generate(prompt, DecodingSettings()))


def test_a_bias_on_a_token_that_the_model_does_not_know_is_refused(engine):
    with pytest.raises(UserError, match="logit_bias names the token 50257"):
        next(engine.generate("x", DecodingSettings(logit_bias={50257: 1})))


def test_a_bias_of_another_vocabulary_does_not_count_and_a_notice_says_so(engine):
    foreign = DecodingSettings(logit_bias={60_000: 1}, logit_bias_tokenizer="0" * 64, max_tokens=3, seed=1)
    notice, *events = engine.generate("x", foreign)
    assert "another vocabulary" in notice.message
    plain = list(engine.generate("x", DecodingSettings(max_tokens=3, seed=1)))
    assert [event.id for event in events[:-1]] == [event.id for event in plain[:-1]]


def test_a_model_without_end_of_text_needs_a_prompt():
    model = random_model(GPT2Config(vocab_size=300, n_positions=32, n_embd=8, n_layer=1, n_head=1))
    engine = Engine(model, gpt2_tokenizer())
    with pytest.raises(UserError, match="type a prompt"):
        next(engine.generate("", DecodingSettings()))
    assert _done([*engine.generate([5], DecodingSettings(max_tokens=5))]).completion_tokens == 5


def test_banning_every_token_is_the_users_mistake():
    model = random_model(GPT2Config(vocab_size=5, n_positions=32, n_embd=8, n_layer=1, n_head=1))
    never_twice = DecodingSettings(no_repeat_ngram=1)
    with pytest.raises(UserError, match="ban every token"):
        list(Engine(model, gpt2_tokenizer()).generate([0], never_twice))


def test_too_little_memory_is_explained_and_the_engine_lives_on():
    resource = pytest.importorskip("resource")
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("needs a limit on memory that holds")
    model = random_model(GPT2Config(n_positions=8192, n_embd=64, n_layer=8, n_head=1))  # 32 MiB of cache each
    engine = Engine(model, gpt2_tokenizer())
    assert _done([*engine.generate("x", SAMPLED)]).finish_reason == "length"
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, before[1]))
    try:
        with pytest.raises(UserError, match="not enough memory"):
            list(engine.generate("x", DecodingSettings(n=64)))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert _done([*engine.generate("x", SAMPLED)]).finish_reason == "length"
