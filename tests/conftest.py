"""What all tests share: folders of their own, no network, one thread, a small model."""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

# Before anything imports numpy, torch, Qt or the hub's library, which read these once.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # several threads on a shared machine make small products slower
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # no windows that take the focus from a person at work
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / "numba")
# Else each of the hundreds of processes that the tests start would compile all of our modules, and pytest all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis
import pytest

from tests.patience import PATIENCE

sys.dont_write_bytecode = False

# A shell that starts the tests in the background has them, and the programs that they start, ignore Ctrl+C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine stalls now and then; what must be fast is measured where it is promised.
hypothesis.settings.register_profile("gptdesk", deadline=None)
hypothesis.settings.load_profile("gptdesk")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: Python's collector need not go through half a million objects time and again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what needs a card where there is none."""
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs CUDA")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds all of gptdesk's folders during one test, for this process and those it starts."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GPTDESK_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True, scope="session")
def compiled_step(request: pytest.FixtureRequest) -> None:
    """Compiles what `auto` decodes with on a CPU, so that no text depends on whether that was ready.

    Of several processes that run tests one compiles, and the others find what it has kept.
    """
    if all(item.get_closest_marker("cuda") for item in request.session.items):
        return
    from gptdesk.inference.cpu.compile_process import LOCK
    from gptdesk.inference.cpu.compiling import can_compile, code_folder, compile_step
    from gptdesk.locks import FileLock

    if can_compile():
        with FileLock(code_folder() / LOCK, patience=PATIENCE):
            compile_step()


@pytest.fixture(scope="session")
def tiny_config() -> Any:
    """A GPT-2 with the whole vocabulary that runs in a blink: 2 layers, 3 heads, width 48, context 64."""
    from gptdesk.gpt2.config import GPT2Config

    return GPT2Config(n_layer=2, n_head=3, n_embd=48, n_positions=64)


@pytest.fixture(scope="session")
def tiny_model_folder(tiny_config: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of ``tiny_config``, as ``transformers`` saves it. Copy it before changing it."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(**tiny_config.to_json()))
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    return folder
