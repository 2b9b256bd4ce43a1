"""The compiled decoder against the network in torch, at every position of the context."""

import sys
import threading
from collections.abc import Sequence
from time import perf_counter, sleep

import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.compiling import compile_step

pytest.importorskip("numba")

from gptdesk.inference.cpu import decoder as decoder_module
from gptdesk.inference.cpu.decoder import CPUDecoder
from tests.inference.quantized_models import quantize_model

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-3, "int8": 1e-3, "int4": 1e-3}

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


def random_model(config: GPT2Config, precision: str = "float32") -> GPT2:
    model = GPT2(config)
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, mean=float("ln_" in name), std=0.2, generator=generator)
    model.eval()
    if precision in ("int8", "int4"):
        return quantize_model(model, precision)
    return model.to(getattr(torch, precision))


def reference(model: GPT2) -> GPT2:
    """The network in float32 with the weights that the decoder computes with; a quantised one is that already."""
    if model.wpe.weight.dtype == torch.float32:
        return model
    same = GPT2(model.config)
    same.load_state_dict(model.state_dict())
    return same.eval()


def new_cache(config: GPT2Config) -> KVCache:
    return KVCache(config, dtype=torch.float32, device=torch.device("cpu"))


def random_ids(config: GPT2Config) -> list[int]:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(config.vocab_size, (config.n_positions,), generator=generator).tolist()


class AllThreads:
    """In place of `ThreadCount`: every step uses all threads."""

    def __init__(self, most: int) -> None:
        self.most = most

    def choose(self) -> int:
        return self.most

    def took(self, count: int, seconds: float) -> None:
        pass


def step(decoder: CPUDecoder, cache: KVCache, id: int) -> torch.Tensor:
    """Appends one token; the logits after it, (V)."""
    return torch.from_numpy(decoder.steps([(cache, [id])])[0][0])


def decoded(model: GPT2, ids: Sequence[int], *, threads: int = 1, read: int = 0) -> torch.Tensor:
    """Logits after each of ``ids``, of which the network reads the first few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_module, "ThreadCount", AllThreads)
        decoder = CPUDecoder(model, compile_step(), threads=threads)
    cache = new_cache(model.config)
    if read:
        with torch.inference_mode():
            model.hidden_states(torch.tensor([ids[:read]]), cache)
    return torch.stack([step(decoder, cache, id) for id in ids[read:]])


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_logits_equal_the_networks_at_every_position(config: GPT2Config, precision: str) -> None:
    model, ids = random_model(config, precision), random_ids(config)
    with torch.inference_mode():
        expected = reference(model)(torch.tensor([ids]))[0]
    torch.testing.assert_close(decoded(model, ids), expected, atol=TOLERANCE[precision], rtol=TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_whole_context_of_1024_equals_the_network(precision: str) -> None:
    config = GPT2Config(vocab_size=300, n_positions=1024, n_embd=64, n_layer=2, n_head=1)
    model, ids = random_model(config, precision), random_ids(config)
    with torch.inference_mode():
        expected = model(torch.tensor([ids]))[0]
    torch.testing.assert_close(decoded(model, ids), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_change_no_bit(precision: str, threads: int) -> None:
    config = SHAPES["head size 32, odd layers"]
    model, ids = random_model(config, precision), random_ids(config)
    assert torch.equal(decoded(model, ids, threads=threads), decoded(model, ids))


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", ["head size 80, one layer", "odd widths"])
def test_tokens_that_are_read_together_get_the_bits_of_one_alone(name: str, precision: str) -> None:
    config = SHAPES[name]
    model, ids = random_model(config, precision), random_ids(config)
    decoder, cache = CPUDecoder(model, compile_step(), threads=2), new_cache(config)
    parts, read = [], 0
    for count in (1, 2, 3, 4, 5, 6):
        parts += map(torch.from_numpy, decoder.steps([(cache, ids[read : read + count])]))
        read += count
    assert torch.equal(torch.cat(parts), decoded(model, ids[:read]))


def test_texts_that_are_read_together_do_not_disturb_each_other() -> None:
    config = SHAPES["head size 32, odd layers"]
    model, ids = random_model(config, "int8"), random_ids(config)
    decoder = CPUDecoder(model, compile_step(), threads=2)
    texts = [ids[:5], ids[7:19], ids[20:21]]  # their last two, one and one tokens are read together
    caches = [new_cache(config) for _ in texts]
    with torch.inference_mode():
        for cache, text, rest in zip(caches, texts, (2, 1, 1), strict=True):
            if text[:-rest]:
                model.hidden_states(torch.tensor([text[:-rest]]), cache)
    ends = [texts[0][-2:], texts[1][-1:], texts[2]]
    together = map(torch.from_numpy, decoder.steps(list(zip(caches, ends, strict=True))))
    alone = [decoded(model, texts[0], read=3), decoded(model, texts[1], read=11), decoded(model, texts[2])]
    assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
    assert [cache.length for cache in caches] == [5, 12, 1]


def test_a_text_that_the_network_began_is_continued() -> None:
    config = SHAPES["head size 32, odd layers"]
    model, ids = random_model(config), random_ids(config)
    with torch.inference_mode():
        expected = model(torch.tensor([ids]))[0, 40:]
    torch.testing.assert_close(decoded(model, ids, read=40), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_damaged_weights_do_not_look_sound(broken: float) -> None:
    model = random_model(SHAPES["padded vocabulary"])
    with torch.no_grad():
        model.h[0].attn.c_attn.weight[70] = broken  # a key's
    assert not decoded(model, [1, 2, 3])[-1].isfinite().all()


def test_other_threads_run_while_a_step_is_computed() -> None:
    """The interpreter's lock is free: another thread's Python code goes on meanwhile."""
    config = GPT2Config(vocab_size=50257, n_positions=8, n_embd=768, n_layer=2, n_head=12)
    decoder = CPUDecoder(random_model(config), compile_step(), threads=1)
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
        went_on = False
        while not went_on:  # the system may let the other thread wait; the interpreter must not
            cache.length = 0
            began = perf_counter()
            step(decoder, cache, 1)
            ended = perf_counter()
            went_on = any(began < moment < ended for moment in inside)
    finally:
        sys.setswitchinterval(before)
        end.set()
        thread.join()
