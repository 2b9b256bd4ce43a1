"""Decode steps that are launched before the host knows their token, run on the CPU."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cuda import sampling as device_sampling
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.decoder import ready
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.cuda.kernel_runs import engine_on_card
from tests.random_models import random_model

CONFIG = GPT2Config(n_positions=48, n_embd=32, n_layer=2, n_head=1)
GREEDY = DecodingSettings(temperature=0)
PROMPT = "Once upon a time there was a house"


class CountingDecoder(DeviceDecoder):
    """Counts the steps that it computes."""

    computed = 0

    def _compute(self, bucket: int, texts: int) -> Tensor:
        self.computed += 1
        return super()._compute(bucket, texts)


@pytest.fixture(scope="module")
def model() -> GPT2:
    return random_model(CONFIG)


def decoder_of(model: GPT2, *, works_ahead: bool) -> CountingDecoder:
    decoder = CountingDecoder(model, graphs=False)
    decoder.works_ahead = works_ahead
    return decoder


def choose(logits: Tensor) -> int:
    return device_sampling.choose(logits, GREEDY, torch.Generator()).id


def read(model: GPT2, ids: list[int], cache: KVCache | None = None) -> KVCache:
    cache = cache or KVCache(CONFIG, dtype=torch.float32, device=torch.device("cpu"))
    with torch.inference_mode():
        model.hidden_states(torch.tensor([ids]), cache)
    return cache


def test_the_step_after_a_token_is_launched_as_it_is_chosen_and_not_again(model: GPT2) -> None:
    found: list[list[Tensor]] = []
    decoders = [decoder_of(model, works_ahead=works) for works in (True, False)]
    for decoder in decoders:
        cache, id = read(model, [1, 2, 3]), 5
        found.append([])
        for _ in range(20):
            found[-1].append(decoder.step(cache, id))
            id = choose(found[-1][-1])
    assert torch.equal(torch.stack(found[0]), torch.stack(found[1]))
    assert [decoder.computed for decoder in decoders] == [21, 20], "the last token's step was launched, too"


def test_another_token_than_the_chosen_one_gets_a_step_of_its_own(model: GPT2) -> None:
    decoder, cache = decoder_of(model, works_ahead=True), read(model, [1, 2, 3])
    decoder.step(cache, 5)
    chosen = choose(decoder.step(cache, 6))
    logits = decoder.step(cache, chosen + 1)
    fresh, again = decoder_of(model, works_ahead=False), read(model, [1, 2, 3])
    assert torch.equal(logits, [fresh.step(again, id) for id in (5, 6, chosen + 1)][-1])


def test_a_step_ahead_does_not_count_for_another_text_in_the_same_cache(model: GPT2) -> None:
    """Also if that is as long, and goes on with the same token."""
    decoder, cache = decoder_of(model, works_ahead=True), read(model, [1, 2, 3])
    decoder.step(cache, 5)
    chosen = choose(decoder.step(cache, 6))
    length = cache.length
    cache.truncate(0)
    other = list(range(20, 20 + length))
    read(model, other, cache)
    logits = decoder.step(cache, chosen)
    assert torch.equal(logits, decoder_of(model, works_ahead=False).step(read(model, other), chosen))


def test_texts_that_take_turns_launch_nothing_ahead(model: GPT2) -> None:
    decoder, caches = decoder_of(model, works_ahead=True), [read(model, [1, 2, 3]), read(model, [4, 5])]
    ids = [7, 8]
    for _ in range(5):
        ids = [choose(logits) for logits in [decoder.step(cache, id) for cache, id in zip(caches, ids, strict=True)]]
    assert decoder.computed == 10


def test_a_decoder_that_is_not_used_any_more_goes(model: GPT2) -> None:
    import weakref

    decoder, cache = decoder_of(model, works_ahead=True), read(model, [1])
    for id in (2, 3):
        decoder.step(cache, id)
    gone = weakref.ref(decoder)
    del decoder
    assert gone() is None, "the offer of its next step does not keep it"


@pytest.mark.parametrize(
    "settings", [GREEDY, DecodingSettings(seed=3, top_k=40, n=2), DecodingSettings(seed=3, stop=("e",))]
)
def test_an_engine_writes_the_same(model: GPT2, settings: DecodingSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the end of the context, and again with prompts that share their beginnings."""
    monkeypatch.setattr(device_sampling, "serves", lambda logits, settings: device_sampling.is_simple(settings))
    texts, computed = [], []
    for works_ahead in (True, False):
        decoder = decoder_of(model, works_ahead=works_ahead)
        engine = Engine(model, gpt2_tokenizer(), decoder=ready(decoder))
        events = []
        for prompt, most in ((PROMPT, 60), (PROMPT, 5), (PROMPT + " and", 5), ("Now", 9)):
            events += [*engine.generate(prompt, replace(settings, max_tokens=most))]
        texts.append([(event.index, event.id) for event in events if isinstance(event, TokenEvent)])
        computed.append(decoder.computed)
    assert texts[0] == texts[1]
    assert (computed[0] > computed[1]) == (settings.n == 1), "the last steps that were launched ahead are for nothing"


@pytest.mark.cuda
@pytest.mark.parametrize("settings", [GREEDY, DecodingSettings(seed=3, top_k=40), DecodingSettings(seed=3, n=2)])
def test_a_card_writes_the_same(tiny_model_folder: Path, settings: DecodingSettings) -> None:
    texts = []
    for works_ahead in (True, False):
        engine, decoder = engine_on_card(tiny_model_folder)
        decoder.works_ahead = works_ahead
        events = [*engine.generate(PROMPT, replace(settings, max_tokens=100))]
        texts.append([(event.index, event.id) for event in events if isinstance(event, TokenEvent)])
    assert texts[0] == texts[1]
