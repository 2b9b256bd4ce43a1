"""The compiled reader of prompts against the network in torch, at every position of the context."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.context import Context
from gptdesk.inference.cpu.compiling import compile_step
from gptdesk.inference.cpu.native_code import processor

pytest.importorskip("numba")

from gptdesk.inference.cpu.decoder import CPUDecoder
from gptdesk.inference.cpu.in_numpy.cache import CPUCache
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.cpu.prompt.prompt_reader import PromptReader
from gptdesk.inference.cpu.tasks import take_task
from gptdesk.inference.cpu.weights import Weights
from tests.inference.cpu.shapes import SHAPES, random_ids, random_weights, reference
from tests.inference.quantized_models import weights_of

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-3, "int8": 1e-3, "int4": 1e-4}
HEAD_SIZE_32 = SHAPES["head size 32, odd layers"]

FORCED = {
    "AVX2": "+avx2,+fma",
    "generic": "+sse2",
    "AVX2 with VNNI": "+avx2,+fma,+avxvnni",
    "AVX-512 without VNNI": "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl",
}
"""What LLVM may use, in place of all that the processor has; the last two take long for what they add."""


def reader(weights: Weights, threads: int = 2) -> PromptReader:
    return CPUDecoder(weights, compile_step(), threads=threads).reader


def read(
    weights: Weights, ids: Sequence[int], *, threads: int = 2, chunks: Sequence[int] = (128,)
) -> tuple[torch.Tensor, torch.Tensor]:
    """The network's output for all of ``ids``, (T, C), and the logits after each chunk of that many, the last again."""
    own, cache, hidden, logits = reader(weights, threads), CPUCache(weights.config), [], []
    while cache.length < len(ids):
        count = chunks[min(len(hidden), len(chunks) - 1)]
        found = own.read(ids[cache.length : cache.length + count], cache, last=True)
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


def with_outliers(config: GPT2Config) -> Weights:
    """int8 weights in which two columns of what products read are 30 and 60 times the others, as in GPT-2."""
    model = reference(random_weights(config))
    with torch.no_grad():
        for block in model.h:
            for norm, product in ((block.ln_1, block.attn.c_attn), (block.ln_2, block.mlp.c_fc)):
                for column, factor in ((3, 30.0), (17, 60.0)):
                    norm.weight[column] *= factor
                    product.weight[:, column] /= factor
    return weights_of(model, "int8")


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_reading_equals_the_network_at_every_position(config: GPT2Config, precision: str) -> None:
    assert_equals_the_network(random_weights(config, precision), random_ids(config), TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_context_of_1024_and_wide_layers_equal_the_network(precision: str) -> None:
    config = GPT2Config(vocab_size=300, n_positions=1024, n_embd=320, n_layer=2, n_head=5)
    assert_equals_the_network(random_weights(config, precision), random_ids(config), TOLERANCE[precision])


def test_columns_much_larger_than_the_others_cost_little_accuracy() -> None:
    assert_equals_the_network(with_outliers(HEAD_SIZE_32), random_ids(HEAD_SIZE_32), 2e-3)


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


def test_a_thread_that_comes_late_finds_no_task_however_many_the_next_call_has() -> None:
    own = reader(random_weights(HEAD_SIZE_32, "int8"))
    own.read([1, 2, 3], CPUCache(HEAD_SIZE_32), last=True)
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
    own.read(ids[:20], cache, last=False)
    blocks = iter([False, False, True])  # it is asked before each of three blocks
    with pytest.raises(Interrupted):
        own.read(ids[20:50], cache, last=True, interrupted=lambda: next(blocks))
    assert cache.length == 20
    found = own.read(ids[20:], cache, last=True, interrupted=lambda: False)
    assert torch.equal(torch.from_numpy(found.hidden), read(weights, ids)[0][20:])


def test_a_context_forgets_what_another_reader_read() -> None:
    weights, ids = random_weights(HEAD_SIZE_32), random_ids(HEAD_SIZE_32)
    context = Context(CPUNetwork(weights))
    context.read(ids, lambda: False)
    own = reader(weights)
    context.read_by(own)
    assert context.ready_length(ids) == 0
    context.read(ids, lambda: False)
    hidden, logits = read(weights, ids)
    assert np.array_equal(context.hidden, hidden.numpy())
    assert np.array_equal(context.logits, logits[-1].numpy())
    context.read_by(own)
    assert context.ready_length(ids) == len(ids)
    assert np.array_equal(context.copy().hidden, hidden.numpy())


@pytest.mark.parametrize(
    "name", [*list(FORCED)[:2], *(pytest.param(name, marks=pytest.mark.slow) for name in list(FORCED)[2:])]
)
def test_other_instructions_give_the_networks_results(name: str) -> None:
    """In a process of its own, because instructions are chosen when the kernel is made."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("instructions of a PC")
    needed = {feature[1:] for feature in FORCED[name].split(",")}
    if not needed <= processor().has():
        pytest.skip(f"the processor has no {', '.join(sorted(needed - processor().has()))}")
    code = (
        "from tests.inference.cpu import test_prompt_reader\n"
        "from tests.inference.cpu.test_prompt_reader import *\n"
        "from gptdesk.inference.cpu.compiling import CompiledStep, to_object_code\n"
        "from gptdesk.inference.cpu.native_code import NativeFunction\n"
        "from gptdesk.inference.cpu.prompt import prompt_kernel\n"
        "step = CompiledStep(None, NativeFunction(to_object_code(prompt_kernel.read)))\n"
        "test_prompt_reader.compile_step = lambda: step\n"
        "for name in ('head size 32, odd layers', 'odd widths'):\n"
        "    for precision in TOLERANCE:\n"
        "        weights = random_weights(SHAPES[name], precision)\n"
        "        assert_equals_the_network(weights, random_ids(SHAPES[name]), TOLERANCE[precision])\n"
        "print('equal')"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": FORCED[name]}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "equal", result.stderr
