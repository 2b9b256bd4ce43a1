"""A little prepared data, settings that train on it in a blink, and an end to whatever a test has launched."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gptdesk.files import read_json
from gptdesk.locks import is_locked
from gptdesk.training.detached import reap
from tests.patience import wait_for
from trainer.config.values import merge, read_preset
from trainer.prepare import Request, prepare


@pytest.fixture
def wait() -> Callable[..., Any]:
    return wait_for


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared data of 60 short documents, in a folder whose name is hard on careless code."""
    place = tmp_path_factory.mktemp("data")
    text = "\n<|endoftext|>\n".join(f"Once upon a time there were {number} dragons. 🐉 " * 6 for number in range(60))
    (place / "tales.txt").write_text(text, encoding="utf-8")
    folder = place / "Märchen & more"
    prepare(Request(sources=(str(place / "tales.txt"),), validation_share=0.2), folder)
    return folder


@pytest.fixture
def make_values(prepared: Path) -> Callable[..., dict[str, Any]]:
    """Settings of a run of 6 steps, with nested values over them."""
    tiny = {
        "model": {"n_embd": 16, "n_positions": 16},
        "data": {"path": str(prepared), "batch_size": 4, "micro_batch_size": 4},
        "schedule": {"steps": 6, "warmup_steps": 2},
        "run": {
            "device": "cpu",
            "threads": 1,
            "eval_interval": 3,
            "eval_tokens": 64,
            "checkpoint_interval": 3,
            "sample_tokens": 2,
        },
    }

    def make(**over: Any) -> dict[str, Any]:
        return merge(merge(read_preset("smoke"), tiny), over)

    return make


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A runs folder whose path has spaces and other letters; what was launched in it ends with the test."""
    folder = tmp_path / "Läufe von 猫" / "it's here"
    yield folder
    for lock in folder.glob("*/.launch.lock"):
        end(lock, lock.with_name("launch.json"))


def end(lock: Path, record: Path) -> None:
    """Kills what holds a launch's lock, if anybody does."""
    pid = (read_json(record) or {}).get("pid")
    if is_locked(lock) and isinstance(pid, int):
        os.killpg(pid, signal.SIGKILL)
        wait_for(lambda: not is_locked(lock))
    reap()
