"""The compiled decoder against the network in torch, at every position of the context."""

import sys
import threading
from time import perf_counter, sleep

import pytest
import torch

from gptdesk.gpt2.compiling import compile_step
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2, KVCache
from gptdesk.gpt2.quantize import dequantize_rows, quantize_rows

pytest.importorskip("numba")

from gptdesk.gpt2.cpu_decoder import WEIGHTS, CPUDecoder

PRECISIONS = ("float32", "bfloat16", "int8")
TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-3, "int8": 1e-3}

SHAPES = {
    "head size 32, odd layers": GPT2Config(vocab_size=499, n_positions=96, n_embd=96, n_layer=3, n_head=3),
    "head size 64, no bias": GPT2Config(
        vocab_size=97, n_positions=130, n_embd=128, n_layer=2, n_head=2, bias=False, tie_word_embeddings=False
    ),
    "head size 80, one layer": GPT2Config(vocab_size=257, n_positions=50, n_embd=80, n_layer=1, n_head=1),
    "head size 128, five layers, no bias": GPT2Config(
        vocab_size=64, n_positions=33, n_embd=256, n_layer=5, n_head=2, bias=False
    ),
    "padded vocabulary": GPT2Config(vocab_size=1001, n_positions=40, n_embd=64, n_layer=2, n_head=2).padded_to(64),
    "odd widths": GPT2Config(vocab_size=101, n_positions=21, n_embd=35, n_layer=2, n_head=5, n_inner=51),
    "one of everything": GPT2Config(vocab_size=1, n_positions=1, n_embd=1, n_layer=1, n_head=1),
}


def random_model(config: GPT2Config, dtype: torch.dtype = torch.float32) -> GPT2:
    model = GPT2(config)
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, mean=float("ln_" in name), std=0.2, generator=generator)
    return model.to(dtype).eval()


def as_decoded(model: GPT2, precision: str) -> GPT2:
    """The network in float32 with the weights that a decoder of that precision computes with."""
    reference = GPT2(model.config)
    reference.load_state_dict(model.state_dict())
    if precision == "int8":
        with torch.no_grad():
            head = torch.nn.Parameter(dequantize_rows(*quantize_rows(reference.lm_head.weight)))
            reference.lm_head.weight = head  # untied: tokens are looked up as they are
            for block in reference.h:
                for linear in (block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj):
                    linear.weight.copy_(dequantize_rows(*quantize_rows(linear.weight)))
    return reference.eval()


def new_cache(config: GPT2Config) -> KVCache:
    return KVCache(config, dtype=torch.float32, device=torch.device("cpu"))


def decoded(model: GPT2, precision: str, ids: list[int], *, threads: int = 1, read: int = 0) -> torch.Tensor:
    """Logits after each of ``ids``; the first ``read`` of them are read by the network."""
    decoder = CPUDecoder(model, precision, compile_step(precision), threads=threads)
    cache = new_cache(model.config)
    if read:
        with torch.inference_mode():
            model.hidden_states(torch.tensor([ids[:read]]), cache)
    return torch.stack([decoder.step(cache, id) for id in ids[read:]])


def random_ids(config: GPT2Config) -> list[int]:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, config.vocab_size, (config.n_positions,), generator=generator).tolist()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES.keys())
def test_every_position_equals_the_network(config: GPT2Config, precision: str) -> None:
    model, ids = random_model(config, WEIGHTS[precision]), random_ids(config)
    with torch.inference_mode():
        expected = as_decoded(model, precision)(torch.tensor([ids]))[0]
    logits = decoded(model, precision, ids)
    torch.testing.assert_close(logits, expected, atol=TOLERANCE[precision], rtol=TOLERANCE[precision])


def test_the_whole_context_of_1024_equals_the_network() -> None:
    config = GPT2Config(vocab_size=300, n_positions=1024, n_embd=64, n_layer=2, n_head=1)
    model, ids = random_model(config), random_ids(config)
    with torch.inference_mode():
        expected = model(torch.tensor([ids]))[0]
    torch.testing.assert_close(decoded(model, "float32", ids), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_change_no_bit(precision: str, threads: int) -> None:
    config = SHAPES["head size 32, odd layers"]
    model, ids = random_model(config, WEIGHTS[precision]), random_ids(config)
    several = decoded(model, precision, ids, threads=threads)
    assert torch.equal(several, decoded(model, precision, ids))


def test_a_text_that_the_network_began_is_continued() -> None:
    config = SHAPES["head size 32, odd layers"]
    model, ids = random_model(config), random_ids(config)
    with torch.inference_mode():
        expected = model(torch.tensor([ids]))[0, 40:]
    torch.testing.assert_close(decoded(model, "float32", ids, read=40), expected, atol=1e-4, rtol=1e-4)


def test_float32_and_bfloat16_take_no_second_copy_of_the_weights() -> None:
    config = SHAPES["head size 32, odd layers"]
    for precision in ("float32", "bfloat16"):
        model = random_model(config, WEIGHTS[precision])
        assert CPUDecoder(model, precision, compile_step(precision), threads=1).memory == 0
    rounded = CPUDecoder(random_model(config), "int8", compile_step("int8"), threads=1).memory
    matrices = 3 * 12 * config.n_embd**2 + config.vocab_size * config.n_embd
    assert matrices < rounded < 1.1 * matrices


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_damaged_weights_do_not_look_sound(broken: float) -> None:
    model = random_model(SHAPES["padded vocabulary"])
    with torch.no_grad():
        model.h[0].attn.c_attn.weight[70] = broken  # a key's
    assert not decoded(model, "float32", [1, 2, 3])[-1].isfinite().all()


def test_other_threads_run_while_a_step_is_computed() -> None:
    """The interpreter's lock is free: another thread's Python code goes on meanwhile."""
    config = GPT2Config(vocab_size=50257, n_positions=8, n_embd=768, n_layer=2, n_head=12)
    decoder = CPUDecoder(random_model(config), "float32", compile_step("float32"), threads=1)
    cache = new_cache(config)
    inside: list[float] = []
    end = threading.Event()

    def count() -> None:
        while not end.is_set():
            inside.append(perf_counter())
            sleep(0)  # lets go of the lock

    before = sys.getswitchinterval()
    sys.setswitchinterval(10)  # nobody is made to let go of it
    thread = threading.Thread(target=count)
    try:
        thread.start()
        spans = []
        for _ in range(4):
            cache.length = 0
            began = perf_counter()
            decoder.step(cache, 1)
            spans.append((began, perf_counter()))
    finally:
        sys.setswitchinterval(before)
        end.set()
        thread.join()
    assert any(began < moment < ended for began, ended in spans for moment in inside)
