"""The decode step's Triton kernels against the network: by Triton's interpreter where there is no card, else on it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.cuda.fused_step import FusedStep, fits, fused_step
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.cuda.kernel_runs import interpret
from tests.random_models import random_model

SHAPES = {
    "head size 32": GPT2Config(vocab_size=499, n_positions=150, n_embd=96, n_layer=2, n_head=3),
    "no bias, own head": GPT2Config(
        vocab_size=97, n_positions=129, n_embd=128, n_layer=1, n_head=2, bias=False, tie_word_embeddings=False
    ),
    "odd widths": GPT2Config(vocab_size=101, n_positions=21, n_embd=35, n_layer=2, n_head=5, n_inner=51),
    "scaled by layer": GPT2Config(
        vocab_size=64, n_positions=16, n_embd=32, n_layer=2, n_head=1, scale_attn_by_inverse_layer_idx=True
    ),
    "two of everything": GPT2Config(vocab_size=2, n_positions=2, n_embd=2, n_layer=1, n_head=1),
}


def compare_last_steps(config: GPT2Config, device: str, dtype: torch.dtype = torch.float32) -> None:
    """The last positions of two texts, alone and in one batch, after the network has read what is before.

    The rest of the caches is not numbers.
    """
    from gptdesk.inference.cuda import fused_kernels

    model = random_model(config).to(device, dtype)
    decoder = DeviceDecoder(model, graphs=device == "cuda", fused=FusedStep(model, fused_kernels))
    texts = [
        torch.arange(config.n_positions - less, device=device).mul(7919 + less).remainder(config.vocab_size)
        for less in (0, min(3, config.n_positions - 1))
    ]
    with torch.no_grad():
        expected = [model(ids[None])[0].float() for ids in texts]
    alone = []
    for ids, logits in zip(texts, expected, strict=True):
        cache, last = read_but_two(model, ids), ids[-2:].tolist()
        alone.append(torch.stack([decoder.step(cache, id) for id in last]))
        if dtype == torch.float32:
            torch.testing.assert_close(alone[-1], logits[-2:], atol=1e-4, rtol=1e-4)
    caches = [read_but_two(model, ids) for ids in texts]
    together = decoder.steps([(cache, ids[-2:].tolist()) for cache, ids in zip(caches, texts, strict=True)])
    for mine, theirs in zip(together, alone, strict=True):
        assert torch.equal(mine, theirs), "neighbours and drafts change no bit"
    assert [cache.length for cache in caches] == [len(ids) for ids in texts]


def read_but_two(model: GPT2, ids: torch.Tensor) -> KVCache:
    weight = model.wte.weight
    cache = KVCache(model.config, dtype=weight.dtype, device=weight.device)
    cache.keys.fill_(float("nan"))
    cache.values.fill_(float("nan"))
    with torch.no_grad():
        if len(ids) > 2:
            model.hidden_states(ids[None, :-2], cache)
    return cache


@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels run on the card then")
@pytest.mark.parametrize("shape", SHAPES)
def test_interpreted_kernels_compute_what_the_network_does(shape: str) -> None:
    interpret(__name__, f"compare_last_steps(SHAPES[{shape!r}], 'cpu')")


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_compute_what_the_network_does(shape: str, dtype: torch.dtype) -> None:
    compare_last_steps(SHAPES[shape], "cuda", dtype)


@pytest.mark.cuda
def test_texts_of_any_length_side_by_side_change_no_bit_of_each_other() -> None:
    """Also where attention reads more for one than another needs, and where there are more than fit in one step."""
    model = random_model(REAL).to("cuda", torch.bfloat16)
    decoder, lengths = DeviceDecoder.for_device(model), (3, 100, 140, 300, 600, 1000)
    texts = [torch.arange(length + 2, device="cuda").mul(7919 + length).remainder(50257) for length in lengths]
    alone = []
    for ids in texts:
        cache = read_but_two(model, ids)
        alone.append(torch.stack([decoder.step(cache, id) for id in ids[-2:].tolist()]))
    caches = [read_but_two(model, ids) for ids in texts]
    for place in (0, 1):
        batch = [(cache, [int(ids[place - 2])]) for cache, ids in zip(caches, texts, strict=True)]
        for mine, theirs in zip(decoder.steps(batch), alone, strict=True):
            assert torch.equal(mine[0], theirs[place])


@pytest.mark.cuda
def test_an_engine_writes_several_completions_as_one_after_the_other(tiny_model_folder: Path) -> None:
    engine = Engine.load(tiny_model_folder, device="cuda")
    settings = DecodingSettings(seed=3, n=3, max_tokens=40)
    together = [*engine.generate("Once upon a time", settings)]
    for index in range(3):
        alone = [*engine.generate("Once upon a time", replace(settings, n=1, seed=3 + index))]
        mine, theirs = (
            [event.id for event in events if isinstance(event, TokenEvent) and event.index == at]
            for events, at in ((together, index), (alone, 0))
        )
        assert mine == theirs


def test_only_models_that_the_kernels_are_for_get_them() -> None:
    assert fits(random_model(SHAPES["odd widths"]))
    assert not fits(random_model(GPT2Config(n_layer=1, n_embd=4, n_head=1, activation_function="relu")))
    with torch.device("meta"):
        wide = GPT2(GPT2Config(n_layer=1, n_embd=8192, n_head=64))
    assert not fits(wide)
    assert fused_step(wide) is None


REAL = GPT2Config(vocab_size=50257, n_positions=1024, n_embd=768, n_layer=2, n_head=12)


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_graphs_of_the_kernels_change_no_bit(dtype: torch.dtype) -> None:
    model = random_model(REAL).to("cuda", dtype)
    decoder = DeviceDecoder.for_device(model)
    assert decoder.fused is not None
    eager = DeviceDecoder(model, graphs=False, fused=decoder.fused)
    caches = [KVCache(REAL, dtype=dtype, device=torch.device("cuda")) for _ in range(2)]
    for id in range(300):
        captured, expected = decoder.step(caches[0], id), eager.step(caches[1], id)
        assert torch.equal(captured, expected), id


@pytest.mark.cuda
def test_kernels_that_overlap_change_no_bit() -> None:
    if torch.cuda.get_device_capability() < (9, 0):
        pytest.skip("needs Hopper")
    model = random_model(REAL).to("cuda", torch.bfloat16)
    decoders = [
        DeviceDecoder(model, graphs=True, fused=fused_step(model, overlap=overlap)) for overlap in (False, True)
    ]
    caches = [KVCache(REAL, dtype=torch.bfloat16, device=torch.device("cuda")) for _ in decoders]
    for id in range(300):
        apart, overlapped = (decoder.step(cache, id) for decoder, cache in zip(decoders, caches, strict=True))
        assert torch.equal(apart, overlapped), id


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_kernels_come_nearer_in_16_bits_than_torchs(dtype: torch.dtype) -> None:
    """They keep everything but weights, keys and values in float32."""
    model = random_model(REAL)
    ids = [7919 * place % 50257 for place in range(200)]
    with torch.no_grad():
        exact = model(torch.tensor([ids]))[0]
    halved = model.to("cuda", dtype)
    errors = []
    for decoder in (DeviceDecoder.for_device(halved), DeviceDecoder(halved, graphs=False)):
        cache = KVCache(REAL, dtype=dtype, device=torch.device("cuda"))
        logits = torch.stack([decoder.step(cache, id) for id in ids]).cpu()
        errors.append(float((logits - exact).abs().mean()))
    assert errors[0] < 1.2 * errors[1]


def test_a_model_whose_kernels_cannot_be_made_is_decoded_by_torchs(caplog: pytest.LogCaptureFixture) -> None:
    """As here, where there is no card: whether Triton is missing or fails, there is a decoder."""
    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    assert fused_step(random_model(SHAPES["odd widths"])) is None
    assert all("slower" in record.message for record in caplog.records)
