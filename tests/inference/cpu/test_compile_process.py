"""Compiling in a process of its own: nobody waits for it, and nothing that ends it leaves anything broken."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gptdesk
from gptdesk.inference.cpu import compiling
from gptdesk.inference.cpu.compile_process import LOCK, is_compiling
from gptdesk.inference.cpu.compiling import RECORD, SOURCES, code_folder
from gptdesk.locks import FileLock
from tests.patience import wait_for

pytest.importorskip("numba")

COMPILE = [sys.executable, "-m", "gptdesk.inference.cpu.compile_process"]
COMPILING_AS = """
import time
from gptdesk.inference.cpu import compile_process
compile_process.compile_step = {}
compile_process.main()
"""
PATIENT = 600
"""Seconds, on a machine that is very busy."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for compiled code; the one for the version at hand inside it."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return code_folder()


@pytest.fixture
def filled_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder in which these tests found or made their compiled code."""
    before = code_folder()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    after = code_folder()
    shutil.copytree(before, after, dirs_exist_ok=True)
    return after


def finds() -> str:
    """What another process finds: "True" or "False"."""
    code = "from gptdesk.inference.cpu.compiling import find_step; print(find_step() is not None)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENT, check=True, env=environment()
    )
    return ended.stdout.strip()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}


def test_compiled_code_is_as_new_as_every_module_that_it_is_made_of() -> None:
    package = Path(gptdesk.__file__).parent
    paths = [(Path(compiling.__file__).parent / source).resolve() for source in SOURCES]
    pattern = re.compile(r"^ *from gptdesk\.(inference\.cpu\.[\w.]+|gpt2\.\w+) import", re.MULTILINE)
    imported = {name for path in paths for name in pattern.findall(path.read_text(encoding="utf-8"))}
    compiled = {"inference.cpu.decode_kernel", "inference.cpu.prompt.prompt_kernel"}
    names = {".".join(path.relative_to(package).with_suffix("").parts) for path in paths}
    assert imported == names - compiled


def test_a_completion_ends_with_its_text_while_code_is_still_being_compiled(
    cache: Path, tiny_model_folder: Path
) -> None:
    """Whoever holds the lock compiles: here that never ends."""
    complete = ["complete", "Once upon a time", "--max-tokens", "3", "--model", str(tiny_model_folder), "--json"]
    with FileLock(cache / LOCK):
        ended = subprocess.run(
            [sys.executable, "-m", "gptdesk", *complete],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENT,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert '"precision": "int8"' in ended.stdout


def test_one_process_compiles_at_a_time(cache: Path) -> None:
    with FileLock(cache / LOCK):
        ended = subprocess.run(COMPILE, env=environment(), capture_output=True, timeout=PATIENT, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert not (cache / RECORD).exists()


def test_a_killed_compiler_leaves_the_lock_free_and_the_next_one_goes_on(cache: Path) -> None:
    begun = cache / "begun"
    forever = f"lambda: (open({str(begun)!r}, 'w').close(), time.sleep(3600))"
    with subprocess.Popen([sys.executable, "-c", COMPILING_AS.format(forever)], env=environment()) as process:
        wait_for(begun.exists, "compiling", alive=lambda: process.poll() is None)
        assert is_compiling()
        process.kill()
    assert not is_compiling()
    at_once = COMPILING_AS.format("lambda: print('compiles')")
    ended = subprocess.run(
        [sys.executable, "-c", at_once], env=environment(), capture_output=True, timeout=PATIENT, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"compiles\n", b"")


@pytest.mark.parametrize("name", [RECORD, "decode.o", "read.o"])
def test_damaged_compiled_code_is_not_run(filled_cache: Path, name: str) -> None:
    assert finds() == "True"
    path = filled_cache / name
    path.write_bytes(path.read_bytes()[:40] + b"\0" * 100)
    assert finds() == "False"


def test_code_for_another_processor_is_not_run(filled_cache: Path) -> None:
    record = json.loads((filled_cache / RECORD).read_text())
    (filled_cache / RECORD).write_text(json.dumps(record | {"features": record["features"] + ",+amx-tile"}))
    assert finds() == "False"


def test_kept_code_is_loaded_without_numba(filled_cache: Path, tiny_model_folder: Path) -> None:
    code = (
        "import sys\n"
        "from gptdesk.inference.engine import Engine\n"
        "from gptdesk.inference.sampling.settings import DecodingSettings\n"
        "from pathlib import Path\n"
        f"engine = Engine.load(Path({str(tiny_model_folder)!r}), device='cpu', threads=1)\n"
        "assert [*engine.generate('Once upon a time', DecodingSettings(max_tokens=3))]\n"
        "print(engine.decoder.result().backend, sorted({'numba', 'torch'} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENT, check=True, env=environment()
    )
    assert ended.stdout.strip() == "numba []"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not list what is mapped")
@pytest.mark.usefixtures("filled_cache")
def test_llvm_takes_next_to_no_memory_once_code_is_loaded_and_still_works() -> None:
    code = """
import re
from pathlib import Path
import llvmlite.binding as llvm
from gptdesk.inference.cpu.compiling import find_step

def resident():
    mappings = Path("/proc/self/smaps").read_text()
    return sum(map(int, re.findall(r"/libllvmlite[.]so\\n(?:\\w+: .*\\n)*?Rss: +(\\d+)", mappings)))

before = resident()
assert find_step() is not None
after = resident()
llvm.parse_assembly("define i32 @one() { ret i32 1 }").verify()
print(before, after)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENT, check=True, env=environment()
    )
    before, after = map(int, ended.stdout.split())  # KiB
    assert 0 < after < before
    assert after < 5_000
