"""The memory of a page's model is given back when the page is closed, in bytes of a program of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.library.memory import memory_needed

LARGE = GPT2Config(n_layer=2, n_head=8, n_embd=512, n_positions=64)
"""Some 128 MB in float32: far more than a window takes and gives back by the way."""

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(__file__).with_name("closing_a_page.py")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A model with random weights."""
    model = GPT2(LARGE)
    model.init_weights(torch.Generator().manual_seed(1))
    folder = tmp_path / "large"
    save_model(model, folder)
    return folder


def test_closing_a_page_gives_the_memory_of_its_model_back(large: Path, tiny_model_folder: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(home), str(tiny_model_folder), str(large)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    before, opened, closed = found["before"], found["open"], found["closed"]
    assert (before["engines"], opened["engines"], closed["engines"]) == (1, 2, 1)
    assert opened["counted"] - before["counted"] == memory_needed(LARGE, "float32")
    assert closed["counted"] == before["counted"]
    weights = 4 * LARGE.num_parameters()
    assert opened["resident"] - before["resident"] > weights // 2, "the weights are in memory"
    assert opened["resident"] - closed["resident"] > weights * 3 // 4, "most of it is given back"
