"""The compiled reader of prompts against the network in torch, at every position of the context."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.context import Context
from gptdesk.inference.cpu.compiling import compile_step

pytest.importorskip("numba")

from gptdesk.inference.cpu.decoder import CPUDecoder
from gptdesk.inference.cpu.in_numpy.cache import CPUCache
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.cpu.prompt.prompt_reader import PromptReader
from gptdesk.inference.cpu.tasks import take_task
from gptdesk.inference.cpu.weights import Weights
from tests.inference.cpu.shapes import SHAPES, random_ids, random_weights, reference, with_outliers

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-4, "int8": 1e-3, "int4": 1e-4}
HEAD_SIZE_32 = SHAPES["head size 32, odd layers"]


def reader(weights: Weights, threads: int = 2) -> PromptReader:
    return CPUDecoder(weights, compile_step(), threads=threads).reader


def read(
    weights: Weights, ids: Sequence[int], *, threads: int = 2, chunks: Sequence[int] = (128,)
) -> tuple[torch.Tensor, torch.Tensor]:
    """The network's output for all of ``ids``, (T, C), and the logits after each chunk of that many, the last again."""
    own, cache, hidden, logits = reader(weights, threads), CPUCache(weights.config), [], []
    while cache.length < len(ids):
        count = chunks[min(len(hidden), len(chunks) - 1)]
        found = own.read(ids[cache.length : cache.length + count], cache, last=True, outputs=True)
        hidden.append(torch.from_numpy(found.hidden.copy()))
        logits.append(torch.from_numpy(found.logits.copy()))
    return torch.cat(hidden), torch.stack(logits)


def assert_equals_the_network(weights: Weights, ids: list[int], tolerance: float) -> None:
    """The error at each position is less than ``tolerance`` of what the network computes there."""
    network = reference(weights)
    with torch.inference_mode():
        expected = network.hidden_states(torch.tensor([ids]))[0]
        logits = network.lm_head(expected[-1])
    hidden, after = read(weights, ids)
    assert ((hidden - expected).norm(dim=1) <= tolerance * expected.norm(dim=1)).all()
    assert (after[-1] - logits).norm() <= tolerance * logits.norm()


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_reading_equals_the_network_at_every_position(config: GPT2Config, precision: str) -> None:
    assert_equals_the_network(random_weights(config, precision), random_ids(config), TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_context_of_1024_and_wide_layers_equal_the_network(precision: str) -> None:
    config = GPT2Config(vocab_size=300, n_positions=1024, n_embd=320, n_layer=2, n_head=5)
    assert_equals_the_network(random_weights(config, precision), random_ids(config), TOLERANCE[precision])


def test_columns_much_larger_than_the_others_cost_little_accuracy() -> None:
    assert_equals_the_network(with_outliers(HEAD_SIZE_32, "int8"), random_ids(HEAD_SIZE_32), 2e-3)


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", ["head size 64, no bias", "odd widths"])
def test_neither_neighbours_nor_threads_change_a_bit(name: str, precision: str) -> None:
    config = SHAPES[name]
    weights, ids = random_weights(config, precision), random_ids(config)
    hidden, logits = read(weights, ids, threads=1)
    for threads, chunks in ((2, (1, 7, 20, 128)), (3, (128,)), (4, (1, 1, 1, 64))):
        again, after = read(weights, ids, threads=threads, chunks=chunks)
        assert torch.equal(again, hidden)
        assert torch.equal(after[-1], logits[-1])


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", ["head size 64, no bias", "head size 80, one layer", "odd widths"])
def test_the_last_tokens_output_alone_has_the_same_bits(name: str, precision: str) -> None:
    config = SHAPES[name]
    weights, ids = random_weights(config, precision), random_ids(config)[:60]
    hidden, logits = read(weights, ids)
    whole, part = CPUCache(config), CPUCache(config)
    own = reader(weights)
    own.read(ids, whole, last=False, outputs=True)
    assert len(own.read(ids[:13], part, last=False, outputs=False).hidden) == 0
    found = own.read(ids[13:], part, last=True, outputs=False)
    assert np.array_equal(found.hidden, hidden[-1:].numpy())
    assert np.array_equal(found.logits, logits[-1].numpy())
    length = part.length
    assert np.array_equal(part.keys[:, :, :length], whole.keys[:, :, :length])
    assert np.array_equal(part.values[:, :, :length], whole.values[:, :, :length])


def test_a_thread_that_comes_late_finds_no_task_however_many_the_next_call_has() -> None:
    own = reader(random_weights(HEAD_SIZE_32, "int8"))
    own.read([1, 2, 3], CPUCache(HEAD_SIZE_32), last=True, outputs=True)
    assert take_task(own._sync, own._steps, 1 << 31) == -1


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_damaged_weights_do_not_look_sound(broken: float, precision: str) -> None:
    weights = random_weights(SHAPES["padded vocabulary"], precision)
    norm = weights.vector("h.1.ln_2.weight")
    assert norm is not None
    norm[5] = broken
    assert not read(weights, [1, 2, 3])[1].isfinite().all()


def test_reading_that_is_interrupted_leaves_the_text_as_it_was() -> None:
    weights, ids = random_weights(HEAD_SIZE_32, "int8"), random_ids(HEAD_SIZE_32)
    own, cache = reader(weights), CPUCache(HEAD_SIZE_32)
    own.read(ids[:20], cache, last=False, outputs=True)
    blocks = iter([False, False, True])  # it is asked before each of three blocks
    with pytest.raises(Interrupted):
        own.read(ids[20:50], cache, last=True, outputs=True, interrupted=lambda: next(blocks))
    assert cache.length == 20
    found = own.read(ids[20:], cache, last=True, outputs=True, interrupted=lambda: False)
    assert torch.equal(torch.from_numpy(found.hidden), read(weights, ids)[0][20:])


def test_a_context_forgets_what_another_reader_read() -> None:
    weights, ids = random_weights(HEAD_SIZE_32), random_ids(HEAD_SIZE_32)
    context = Context(CPUNetwork(weights))
    context.read(ids, lambda: False)
    own = reader(weights)
    context.read_by(own)
    assert context.ready_length(ids, "last") == 0
    context.read(ids, lambda: False, outputs="new")
    hidden, logits = read(weights, ids)
    assert np.array_equal(context.hidden, hidden.numpy())
    assert np.array_equal(context.logits, logits[-1].numpy())
    context.read_by(own)
    assert context.ready_length(ids, "all") == len(ids)
    assert np.array_equal(context.copy().hidden, hidden.numpy())


def test_outputs_that_were_not_wanted_are_computed_when_they_are() -> None:
    config = GPT2Config(vocab_size=300, n_positions=3 * PROMPT_CHUNK, n_embd=64, n_layer=2, n_head=2)
    weights, ids = random_weights(config, "int8"), random_ids(config)
    hidden, logits = read(weights, ids)
    context = Context(CPUNetwork(weights))
    context.read_by(reader(weights))
    assert context.read(ids[: PROMPT_CHUNK + 9], lambda: False, outputs="new")
    assert context.read(ids, lambda: False)
    assert context.ready_length(ids, "last") == context.ready_length(ids, "new") == len(ids)
    assert context.ready_length(ids, "all") == context.copy().ready_length(ids, "all") == PROMPT_CHUNK
    assert np.array_equal(context.hidden[:PROMPT_CHUNK], hidden.numpy()[:PROMPT_CHUNK])
    assert np.array_equal(context.hidden[-1], hidden.numpy()[-1])
    assert np.array_equal(context.logits, logits[-1].numpy())
    assert context.read(ids, lambda: False, outputs="all")
    assert context.ready_length(ids, "all") == len(ids)
    assert np.array_equal(context.hidden, hidden.numpy())
    assert np.array_equal(context.logits, logits[-1].numpy())
