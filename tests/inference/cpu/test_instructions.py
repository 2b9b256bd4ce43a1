"""Code compiled for other processors: its results, and how it is kept. In processes of their own, because instructions
are chosen when a kernel is made; each of them compiles for most of a minute, so that one serves several tests."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.cpu.native_code import processor
from tests.inference.completing_process import ids_by_torch, lines_of, start_completing
from tests.random_models import random_model

pytest.importorskip("numba")

ON_A_PC = platform.machine().lower() in ("x86_64", "amd64")

INSTRUCTIONS = {
    "oldest": "+sse2",
    "AVX2": "+avx2,+fma",
    "AVX2 with VNNI": "+avx2,+fma,+avxvnni",
    "AVX-512 without VNNI": "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl",
    "AVX-512 without matrix registers": "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512vnni",
}
"""Of a PC, what LLVM may use in place of all that the processor has; all but two take long for what they add."""

COMPARE = """
from tests.inference.cpu import shapes, test_decoder, test_prompt_reader

for name in ("head size 32, odd layers", "odd widths"):
    for precision in shapes.TOLERANCE:
        config = shapes.SHAPES[name]
        test_prompt_reader.test_reading_equals_the_network_at_every_position(config, precision)
        test_decoder.test_logits_equal_the_networks_at_every_position(config, precision)
        test_decoder.test_tokens_that_are_read_together_get_the_bits_of_one_alone(name, precision)
print("equal")
"""
COMPARE_ON_A_PC = COMPARE if ON_A_PC else ""


def environment(name: str, cache: Path) -> dict[str, str]:
    """Of a process that compiles with these instructions, and keeps code in ``cache``."""
    target = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": INSTRUCTIONS[name] if ON_A_PC else ""}
    return {**os.environ, **target, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.getcwd()}


class Compilations:
    """Two processes that complete with NumPy, compile, complete with that, and end; at once, for two cores.

    One has the oldest of instructions and a cache, in which a later process finds its code. One has AVX2, where there
    is AVX2, and a file in the cache's place, which stops the administrator too. This and the later one compare.
    """

    def __init__(self, model: Path, place: Path) -> None:
        self._model, self._cache = model, place / "oldest"
        self.no_cache = place / "unkept"
        self.no_cache.write_text("")
        self._oldest = start_completing(model, environment("oldest", self._cache))
        self._unkept = start_completing(model, environment("AVX2", self.no_cache), after=COMPARE_ON_A_PC)

    @cached_property
    def oldest(self) -> list[str]:
        return lines_of(self._oldest)

    @cached_property
    def oldest_again(self) -> list[str]:
        assert self.oldest
        return lines_of(start_completing(self._model, environment("oldest", self._cache), after=COMPARE_ON_A_PC))

    @cached_property
    def unkept(self) -> list[str]:
        return lines_of(self._unkept)

    def end(self) -> None:
        for process in (self._oldest, self._unkept):
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("model")
    save_model(random_model(GPT2Config(n_positions=320, n_embd=64, n_layer=3, n_head=2), seed=5), made)
    return made


@pytest.fixture(scope="module")
def compilations(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compilations]:
    started = Compilations(model, tmp_path_factory.mktemp("compiled"))
    yield started
    started.end()


def test_compiled_code_is_kept_and_found_at_once(model: Path, compilations: Compilations) -> None:
    text = ids_by_torch(model)
    assert compilations.oldest == ["float32 (numpy)", "float32 (numba)", *text]
    assert compilations.oldest_again[: 2 + len(text)] == ["float32 (numba)", "float32 (numba)", *text]


def test_a_folder_that_cannot_be_written_only_costs_the_time_to_compile(
    model: Path, compilations: Compilations
) -> None:
    text = ids_by_torch(model)
    assert compilations.unkept[: 2 + len(text)] == ["float32 (numpy)", "float32 (numba)", *text]
    assert compilations.no_cache.read_text() == ""


@pytest.mark.skipif(not ON_A_PC, reason="instructions of a PC")
def test_the_oldest_instructions_and_avx2_give_the_networks_results(compilations: Compilations) -> None:
    assert (compilations.oldest_again[-1], compilations.unkept[-1]) == ("equal", "equal")


@pytest.mark.slow
@pytest.mark.skipif(not ON_A_PC, reason="instructions of a PC")
@pytest.mark.parametrize("name", list(INSTRUCTIONS)[2:])
def test_other_instructions_give_the_networks_results(name: str, tmp_path: Path) -> None:
    missing = {feature[1:] for feature in INSTRUCTIONS[name].split(",")} - processor().has()
    if missing:
        pytest.skip(f"the processor has no {', '.join(sorted(missing))}")
    command = [sys.executable, "-c", COMPARE]
    result = subprocess.run(command, env=environment(name, tmp_path), capture_output=True, text=True, check=False)
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
