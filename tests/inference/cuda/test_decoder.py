"""The decoder for CUDA, run eagerly on the CPU, against the network at every position; graphs where there is a card."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.context import Context
from gptdesk.inference.cuda.decoder import BUCKETS, DeviceDecoder
from gptdesk.inference.decode import DecodeInput, decode
from gptdesk.inference.decoder import ready
from gptdesk.inference.engine import DoneEvent, Engine, Event, TokenEvent
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.random_models import random_model

SHAPES = {
    "head size 32, odd layers": GPT2Config(vocab_size=499, n_positions=300, n_embd=96, n_layer=3, n_head=3),
    "head size 64, no bias": GPT2Config(
        vocab_size=97, n_positions=129, n_embd=128, n_layer=2, n_head=2, bias=False, tie_word_embeddings=False
    ),
    "head size 80, one layer": GPT2Config(vocab_size=257, n_positions=128, n_embd=80, n_layer=1, n_head=1),
    "head size 128, no bias": GPT2Config(vocab_size=64, n_positions=33, n_embd=256, n_layer=5, n_head=2, bias=False),
    "padded vocabulary": GPT2Config(vocab_size=1001, n_positions=40, n_embd=64, n_layer=2, n_head=2).padded_to(64),
    "odd widths": GPT2Config(vocab_size=101, n_positions=21, n_embd=35, n_layer=2, n_head=5, n_inner=51),
    "the whole context": GPT2Config(vocab_size=300, n_positions=1024, n_embd=64, n_layer=2, n_head=1),
    "one of everything": GPT2Config(vocab_size=1, n_positions=1, n_embd=1, n_layer=1, n_head=1),
}
SMALL = SHAPES["head size 32, odd layers"]
CPU = torch.device("cpu")


def random_ids(config: GPT2Config, seed: int = 2) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, config.vocab_size, (config.n_positions,), generator=generator).tolist()


def expected(model: GPT2, ids: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([ids]))[0]


def new_cache(model: GPT2, dtype: torch.dtype = torch.float32) -> KVCache:
    return KVCache(model.config, dtype=dtype, device=model.wte.weight.device)


def decoded(decoder: DeviceDecoder, cache: KVCache, ids: Sequence[int]) -> torch.Tensor:
    return torch.stack([decoder.step(cache, id) for id in ids]).cpu()


def fresh(model: GPT2, ids: Sequence[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return decoded(DeviceDecoder(model, graphs=False), new_cache(model, dtype), ids)


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES.keys())
def test_every_position_equals_the_network(config: GPT2Config) -> None:
    model, ids = random_model(config), random_ids(config)
    torch.testing.assert_close(fresh(model, ids), expected(model, ids), atol=1e-4, rtol=1e-4)


def test_buckets_end_with_the_context() -> None:
    buckets = {name: DeviceDecoder(random_model(config), graphs=False).buckets for name, config in SHAPES.items()}
    assert buckets["the whole context"] == (*BUCKETS, 1024)
    assert buckets["head size 32, odd layers"] == (128, 256, 300)
    assert buckets["head size 64, no bias"] == (128, 129)
    assert buckets["head size 80, one layer"] == (128,)
    assert buckets["one of everything"] == (1,)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bits_come_as_near_as_the_network_in_16_bits(dtype: torch.dtype) -> None:
    """Also with a cache in the same type, as it is on CUDA."""
    model, ids = random_model(SMALL), random_ids(SMALL)
    halved = random_model(SMALL).to(dtype)
    exact = expected(model, ids)
    network = (expected(halved, ids).float() - exact).abs().mean()
    for kept in (torch.float32, dtype):
        logits = fresh(halved, ids, kept)
        assert logits.dtype == torch.float32
        assert (logits - exact).abs().mean() < 1.2 * network


def test_logits_are_not_rounded_to_16_bits() -> None:
    model = random_model(SMALL)
    with torch.no_grad():
        model.wte.weight.mul_(100)
    logits = fresh(model.to(torch.bfloat16), [1])
    assert logits.abs().max() > 100
    assert not torch.equal(logits, logits.bfloat16().float())


def test_a_text_that_the_network_began_is_continued() -> None:
    model, ids = random_model(SMALL), random_ids(SMALL)
    cache = new_cache(model)
    with torch.inference_mode():
        model.hidden_states(torch.tensor([ids[:140]]), cache)
    logits = decoded(DeviceDecoder(model, graphs=False), cache, ids[140:])
    torch.testing.assert_close(logits, expected(model, ids)[140:], atol=1e-4, rtol=1e-4)


def test_the_network_goes_on_where_the_decoder_stopped() -> None:
    model, ids = random_model(SMALL), random_ids(SMALL)
    cache = new_cache(model)
    decoded(DeviceDecoder(model, graphs=False), cache, ids[:20])
    with torch.inference_mode():
        logits = model(torch.tensor([ids[20:50]]), cache)[0]
    torch.testing.assert_close(logits, expected(model, ids[:50])[20:], atol=1e-4, rtol=1e-4)


def test_texts_that_take_turns_change_no_bit_of_each_other() -> None:
    model = random_model(SMALL)
    texts = [random_ids(SMALL, seed)[:60] for seed in (2, 3, 4)]
    decoder, caches = DeviceDecoder(model, graphs=False), [new_cache(model) for _ in texts]
    logits: list[list[torch.Tensor]] = [[], [], []]
    for place in range(60):
        for text, cache, mine in zip(texts, caches, logits, strict=True):
            mine.append(decoder.step(cache, text[place]))
        if place == 30:  # the first one ends, and another begins in its place
            texts[0], caches[0] = texts[2], new_cache(model)
            logits[0].clear()
            decoded(decoder, caches[0], texts[0][:31])
    for text, mine in zip(texts[1:], logits[1:], strict=True):
        assert torch.equal(torch.stack(mine), fresh(model, text))
    assert torch.equal(torch.stack(logits[0]), fresh(model, texts[2])[31:])


@pytest.mark.parametrize("left", [float("nan"), float("inf")])
def test_what_an_earlier_text_left_behind_changes_no_bit(left: float) -> None:
    model, ids = random_model(SMALL), random_ids(SMALL)
    cache = new_cache(model)
    cache.keys.fill_(left)
    cache.values.fill_(left)
    decoder = DeviceDecoder(model, graphs=False)
    assert torch.equal(decoded(decoder, cache, ids[:40]), fresh(model, ids[:40]))
    cache.keys[:, :, :, 10:], cache.values[:, :, :, 10:] = left, left
    cache.truncate(10)
    assert torch.equal(decoded(decoder, cache, ids[10:40]), fresh(model, ids[:40])[10:])


def test_contexts_read_step_and_are_copied_with_it() -> None:
    model, ids = random_model(SMALL), random_ids(SMALL)
    whole, decoder = expected(model, ids), DeviceDecoder(model, graphs=False)
    context = Context(TorchNetwork(model))
    assert context.read(ids[:100], lambda: False)
    decode([DecodeInput(context, ids[100])], decoder)
    copied = context.copy()
    for id in ids[101:150]:
        decode([DecodeInput(context, id)], decoder)
    torch.testing.assert_close(context.logits, whole[149], atol=1e-4, rtol=1e-4)
    decode([DecodeInput(copied, ids[101])], decoder)
    torch.testing.assert_close(copied.logits, whole[101], atol=1e-4, rtol=1e-4)
    assert context.read(ids[:200], lambda: False)
    decode([DecodeInput(context, ids[200])], decoder)
    torch.testing.assert_close(context.logits, whole[200], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nothing_is_fetched_from_the_device(dtype: torch.dtype, fetches: Any) -> None:
    model = random_model(SMALL).to(dtype)
    decoder, cache = DeviceDecoder(model, graphs=False), new_cache(model, dtype)
    decoder.step(cache, 1)
    decoder.step(cache, 2)
    assert fetches.count == 0
    int(cache.keys.argmax())
    assert fetches.count == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_where_no_graph_can_be_captured_it_goes_on_eagerly(caplog: pytest.LogCaptureFixture) -> None:
    model, ids = random_model(SMALL), random_ids(SMALL)
    decoder = DeviceDecoder(model, graphs=True)
    assert torch.equal(decoded(decoder, new_cache(model), ids), fresh(model, ids))
    (record,) = caplog.records
    assert "cannot be captured" in record.message
    assert record.levelname == "WARNING"


# In an engine

ENGINE = GPT2Config(n_positions=160, n_embd=32, n_layer=2, n_head=1)
PROMPT = "Once upon a time there was a house"


def written(events: Sequence[Event]) -> list[int]:
    return [event.id for event in events if isinstance(event, TokenEvent)]


def test_an_engine_writes_with_it_what_it_writes_without() -> None:
    model = random_model(ENGINE)
    greedy = DecodingSettings(temperature=0, max_tokens=300, logit_bias={50256: -100}, repetition_penalty=3.0)
    alone = [*Engine(model, gpt2_tokenizer()).generate(PROMPT, greedy)]
    decoder = DeviceDecoder(model, graphs=False)
    engine = Engine(model, gpt2_tokenizer(), decoder=ready(decoder))
    events = [*engine.generate(PROMPT, greedy)]
    assert written(events) == written(alone)
    assert len(written(events)) == 300, "the context filled on the way"
    assert isinstance(events[-1], DoneEvent)
    assert events[-1].precision == engine.precision == "float32"
    assert events[-1].backend == engine.backend == "torch"


@pytest.mark.parametrize("n", [1, 3])
def test_same_seed_same_text(n: int) -> None:
    model = random_model(ENGINE)
    engine = Engine(model, gpt2_tokenizer(), decoder=ready(DeviceDecoder(model, graphs=False)))
    first = [*engine.generate(PROMPT, DecodingSettings(seed=3, n=n, max_tokens=20))]
    again = [*engine.generate(PROMPT, DecodingSettings(seed=3, n=n, max_tokens=20))]
    assert written(first) == written(again)
    for index in range(n):
        alone = [*engine.generate(PROMPT, DecodingSettings(seed=3 + index, max_tokens=20))]
        assert written([event for event in first if event.index == index]) == written(alone)


def test_no_drafts_are_read_where_that_saves_nothing() -> None:
    model = random_model(ENGINE)
    engine = Engine(model, gpt2_tokenizer(), decoder=ready(DeviceDecoder(model, graphs=False)))
    greedy = DecodingSettings(temperature=0, max_tokens=40)
    events = [*engine.generate(PROMPT, replace(greedy, prompt_lookup=5))]
    assert written(events) == written([*engine.generate(PROMPT, greedy)])
    assert isinstance(events[-1], DoneEvent)
    assert events[-1].draft_tokens == 0


# On a card

REAL = GPT2Config(vocab_size=50257, n_positions=1024, n_embd=768, n_layer=2, n_head=12)


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_graphs_change_no_bit(dtype: torch.dtype, caplog: pytest.LogCaptureFixture) -> None:
    model, ids = random_model(REAL).to("cuda", dtype), random_ids(REAL)
    captured = decoded(DeviceDecoder(model, graphs=True), new_cache(model, dtype), ids)
    with torch.cuda.stream(torch.cuda.Stream()):  # some kernels in float16 round otherwise on the default one
        assert torch.equal(captured, fresh(model, ids, dtype))
    assert not caplog.records


@pytest.mark.cuda
def test_graphs_follow_texts_that_take_turns() -> None:
    model = random_model(REAL).to("cuda", torch.bfloat16)
    texts = [random_ids(REAL, seed)[:200] for seed in (2, 3)]
    decoder, caches = DeviceDecoder(model, graphs=True), [new_cache(model, torch.bfloat16) for _ in texts]
    both = [
        [decoder.step(cache, id) for cache, id in zip(caches, ids, strict=True)] for ids in zip(*texts, strict=True)
    ]
    for mine, text in zip(zip(*both, strict=True), texts, strict=True):
        assert torch.equal(torch.stack(mine).cpu(), fresh(model, text, torch.bfloat16))


@pytest.mark.cuda
def test_a_card_computes_what_the_cpu_does() -> None:
    model, ids = random_model(REAL), random_ids(REAL)
    exact = expected(model, ids)
    logits = decoded(DeviceDecoder(model.cuda(), graphs=True), new_cache(model), ids)
    torch.testing.assert_close(logits, exact, atol=1e-3, rtol=1e-3)


@pytest.mark.cuda
@pytest.mark.parametrize("n", [1, 2])
def test_same_seed_same_text_on_a_card(tiny_model_folder: Path, n: int) -> None:
    engine = Engine.load(tiny_model_folder, device="cuda")
    for settings in (DecodingSettings(seed=3, n=n), DecodingSettings(seed=3, n=n, typical_p=0.9)):
        first, again = ([*engine.generate(PROMPT, settings)] for _ in range(2))
        assert written(first) == written(again)
