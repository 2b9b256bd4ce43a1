"""Kernels where there is no card, and engines where there is one."""

import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.engine import Engine


def interpret(module: str, call: str) -> None:
    """Evaluates ``call`` with the names of a module of tests and Triton's interpreter; skips where there is no Triton.

    In a process of its own: the interpreter is chosen when Triton is imported, for good.
    """
    pytest.importorskip("triton")
    code = f"import os; os.environ['TRITON_INTERPRET'] = '1'; from {module} import *; {call}"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def engine_on_card(folder: Path) -> tuple[Engine, DeviceDecoder]:
    """An engine on CUDA for the model in a folder, and its decoder."""
    engine = Engine.load(folder, device="cuda")
    assert engine.decoder is not None
    decoder = engine.decoder.result()
    assert isinstance(decoder, DeviceDecoder)
    return engine, decoder
