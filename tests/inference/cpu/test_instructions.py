"""The compiled decoder and reader with other instructions than the processor's best, in processes of their own, because
instructions are chosen when a kernel is made."""

import os
import platform
import subprocess
import sys

import pytest

from gptdesk.inference.cpu.native_code import processor

pytest.importorskip("numba")

FORCED = {
    "AVX2": "+avx2,+fma",
    "generic": "+sse2",
    "AVX2 with VNNI": "+avx2,+fma,+avxvnni",
    "AVX-512 without VNNI": "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl",
    "AVX-512 without matrix registers": "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512vnni",
}
"""What LLVM may use, in place of all that the processor has; all but two take long for what they add."""

COMPARISONS = """
import torch
from gptdesk.inference.cpu.compiling import CompiledStep, to_object_code
from gptdesk.inference.cpu import decode_kernel
from gptdesk.inference.cpu.native_code import NativeFunction
from gptdesk.inference.cpu.prompt import prompt_kernel
from tests.inference.cpu import shapes, test_decoder, test_prompt_reader

kernels = decode_kernel.decode, prompt_kernel.read
step = CompiledStep(*(NativeFunction(to_object_code(kernel)) for kernel in kernels))
test_prompt_reader.compile_step = test_decoder.compile_step = lambda: step
for name in ("head size 32, odd layers", "odd widths"):
    for precision in shapes.TOLERANCE:
        config = shapes.SHAPES[name]
        test_prompt_reader.test_reading_equals_the_network_at_every_position(config, precision)
        test_decoder.test_logits_equal_the_networks_at_every_position(config, precision)
        test_decoder.test_tokens_that_are_read_together_get_the_bits_of_one_alone(name, precision)
print("equal")
"""


@pytest.mark.parametrize(
    "name", [*list(FORCED)[:2], *(pytest.param(name, marks=pytest.mark.slow) for name in list(FORCED)[2:])]
)
def test_other_instructions_give_the_networks_results(name: str) -> None:
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("instructions of a PC")
    needed = {feature[1:] for feature in FORCED[name].split(",")}
    if not needed <= processor().has():
        pytest.skip(f"the processor has no {', '.join(sorted(needed - processor().has()))}")
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": FORCED[name]}
    command = [sys.executable, "-c", COMPARISONS]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "equal", result.stderr


WITH_A_SMALL_STACK_FOR_SIGNALS = """
import ctypes

class Stack(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

memory = ctypes.create_string_buffer(4096)
stack = Stack(ctypes.addressof(memory), 0, len(memory))
assert ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None) == 0
"""
"""Linux refuses AMX's registers then: a signal's handler could not keep them."""

TILES = """
from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_WEIGHTS, TILE, block_of
from gptdesk.inference.cpu.native_code import processor
print("int8" in MATRIX_WEIGHTS, block_of("int8").rows == TILE.rows, "amx-int8" in processor().has())
"""


@pytest.mark.parametrize("refused", [False, True])
def test_matrix_registers_are_used_where_the_system_gives_them(refused: bool) -> None:
    if sys.platform != "linux" or "amx-int8" not in processor().has():
        pytest.skip("the processor has no matrix registers")
    command = [sys.executable, "-c", (WITH_A_SMALL_STACK_FOR_SIGNALS if refused else "") + TILES]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = ["False", "True", "False"] if refused else ["True", "False", "True"]
    assert result.stdout.split() == expected, result.stderr
