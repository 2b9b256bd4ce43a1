"""The compiled decoder against the network in torch, at every position of the context."""

from collections.abc import Sequence

import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.cpu.compiling import compile_step
from gptdesk.inference.cpu.in_numpy.cache import CPUCache

pytest.importorskip("numba")

from gptdesk.inference.cpu import decoder as decoder_module
from gptdesk.inference.cpu.decoder import CPUDecoder
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.cpu.weights import Weights
from tests.inference.cpu.shapes import (
    ROUNDED_INPUTS,
    SHAPES,
    TOLERANCE,
    assert_close,
    random_ids,
    random_weights,
    reference,
    with_outliers,
)
from tests.inference.quantized_models import weights_of
from tests.interpreter_lock import wait_until_others_run_during


class AllThreads:
    """In place of `ThreadCount`: every step uses all threads."""

    def __init__(self, most: int) -> None:
        self.most = most

    def choose(self) -> int:
        return self.most

    def resume(self) -> None:
        pass

    def took(self, seconds: float) -> None:
        pass


def step(decoder: CPUDecoder, cache: CPUCache, id: int) -> torch.Tensor:
    """Appends one token; the logits after it, (V)."""
    return torch.from_numpy(decoder.steps([(cache, [id])])[0][0])


def decoded(weights: Weights, ids: Sequence[int], *, threads: int = 1, read: int = 0) -> torch.Tensor:
    """Logits after each of ``ids``, of which the network reads the first few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_module, "ThreadCount", AllThreads)
        decoder = CPUDecoder(weights, compile_step(), threads=threads)
    cache = CPUCache(weights.config)
    if read:
        CPUNetwork(weights).read(ids[:read], cache)
    return torch.stack([step(decoder, cache, id) for id in ids[read:]])


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_logits_equal_the_networks_at_every_position(config: GPT2Config, precision: str) -> None:
    weights, ids = random_weights(config, precision), random_ids(config)
    with torch.inference_mode():
        expected = reference(weights)(torch.tensor([ids]))[0]
    assert_close(decoded(weights, ids), expected, precision)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_whole_context_of_1024_equals_the_network(precision: str) -> None:
    config = GPT2Config(vocab_size=300, n_positions=1024, n_embd=64, n_layer=2, n_head=1)
    weights, ids = random_weights(config, precision), random_ids(config)
    with torch.inference_mode():
        expected = reference(weights)(torch.tensor([ids]))[0]
    assert_close(decoded(weights, ids), expected, precision)


@pytest.mark.parametrize("precision", ROUNDED_INPUTS)
def test_columns_much_larger_than_the_others_cost_little_accuracy(precision: str) -> None:
    config = SHAPES["head size 32, odd layers"]
    weights, ids = with_outliers(config, precision), random_ids(config)
    with torch.inference_mode():
        expected = reference(weights)(torch.tensor([ids]))[0]
    error = (decoded(weights, ids) - expected).norm(dim=1)
    assert (error <= 2e-3 * expected.norm(dim=1)).all()


def test_a_sum_of_the_largest_products_that_there_can_be_fits() -> None:
    """All inputs of a wide layer are the same, and all its weights: rounded to 32,767 and 127."""
    config = GPT2Config(vocab_size=30, n_positions=4, n_embd=32, n_layer=1, n_head=1, n_inner=9000)
    model = reference(random_weights(config))
    with torch.no_grad():
        model.h[0].mlp.c_fc.weight.zero_()
        model.h[0].mlp.c_fc.bias.fill_(3)
        model.h[0].mlp.c_proj.weight[:20].fill_(0.01)
    weights, ids = weights_of(model, "int8"), [1, 2, 3]
    with torch.inference_mode():
        expected = reference(weights)(torch.tensor([ids]))[0]
    assert_close(decoded(weights, ids), expected, "int8")


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_change_no_bit(precision: str, threads: int) -> None:
    config = SHAPES["head size 32, odd layers"]
    weights, ids = random_weights(config, precision), random_ids(config)
    assert torch.equal(decoded(weights, ids, threads=threads), decoded(weights, ids))


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", ["head size 80, one layer", "odd widths"])
def test_tokens_that_are_read_together_get_the_bits_of_one_alone(name: str, precision: str) -> None:
    config = SHAPES[name]
    weights, ids = random_weights(config, precision), random_ids(config)
    decoder, cache = CPUDecoder(weights, compile_step(), threads=2), CPUCache(config)
    parts, read = [], 0
    for count in (1, 2, 3, 4, 5, 6):
        parts += map(torch.from_numpy, decoder.steps([(cache, ids[read : read + count])]))
        read += count
    assert torch.equal(torch.cat(parts), decoded(weights, ids[:read]))


def test_texts_that_are_read_together_do_not_disturb_each_other() -> None:
    config = SHAPES["head size 32, odd layers"]
    weights, ids = random_weights(config, "int8"), random_ids(config)
    decoder = CPUDecoder(weights, compile_step(), threads=2)
    texts = [ids[:5], ids[7:19], ids[20:21]]  # their last two, one and one tokens are read together
    caches = [CPUCache(config) for _ in texts]
    for cache, text, rest in zip(caches, texts, (2, 1, 1), strict=True):
        if text[:-rest]:
            CPUNetwork(weights).read(text[:-rest], cache)
    ends = [texts[0][-2:], texts[1][-1:], texts[2]]
    together = map(torch.from_numpy, decoder.steps(list(zip(caches, ends, strict=True))))
    alone = [decoded(weights, texts[0], read=3), decoded(weights, texts[1], read=11), decoded(weights, texts[2])]
    assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
    assert [cache.length for cache in caches] == [5, 12, 1]


def test_a_text_that_the_network_began_is_continued() -> None:
    config = SHAPES["head size 32, odd layers"]
    weights, ids = random_weights(config), random_ids(config)
    with torch.inference_mode():
        expected = reference(weights)(torch.tensor([ids]))[0, 40:]
    torch.testing.assert_close(decoded(weights, ids, read=40), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_damaged_weights_do_not_look_sound(broken: float) -> None:
    weights = random_weights(SHAPES["padded vocabulary"])
    weights.matrix("h.0.attn.c_attn.weight").values[70] = broken  # a key's
    assert not decoded(weights, [1, 2, 3])[-1].isfinite().all()


def test_other_threads_run_while_a_step_is_computed() -> None:
    """The interpreter's lock is free: another thread's Python code goes on meanwhile."""
    config = GPT2Config(vocab_size=50257, n_positions=8, n_embd=768, n_layer=2, n_head=12)
    decoder = CPUDecoder(random_weights(config), compile_step(), threads=1)
    cache = CPUCache(config)

    def compute() -> None:
        cache.length = 0
        step(decoder, cache, 1)

    wait_until_others_run_during(compute)
