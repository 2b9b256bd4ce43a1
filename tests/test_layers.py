"""What is imported when: the window shows and the terminal answers before torch loads, and no computing needs Qt.

And how large modules and folders are.

Who may import whom at all is checked by import-linter (pyproject.toml).
"""

import statistics
import subprocess
import sys
from pathlib import Path

import pytest

# For a fresh interpreter: refuses to import the packages named in argv[1], whoever asks.
REFUSE = """
import importlib, pkgutil, runpy, sys
refused = set(sys.argv.pop(1).split(","))

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} must not be imported here", name=name)

sys.meta_path.insert(0, Refuse())
"""

IMPORT_ALL = """
module = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
    importlib.import_module(found.name)
"""

RUN_MODULE = """
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

NEITHER_TORCH_NOR_QT = (
    "gptdesk.chat",
    "gptdesk.cli",
    "gptdesk.commands",
    "gptdesk.compare",
    "gptdesk.doctor",
    "gptdesk.folders",
    "gptdesk.gpt2.config",
    "gptdesk.inference.sampling.settings",
    "gptdesk.devices",
    "gptdesk.errors",
    "gptdesk.gpt2.layout",
    "gptdesk.resource_files",
    "gptdesk.gpt2.tokenizer",
    "gptdesk.gpt2.tokenizers",
    "gptdesk.hub",
    "gptdesk.library",
    "gptdesk.store",
    "gptdesk.training",
    "trainer.config",
    "trainer.data.shards",
    "trainer.run_directory",
)


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a fresh interpreter does with ``code``."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8", timeout=600, check=False
    )


@pytest.mark.parametrize("module", NEITHER_TORCH_NOR_QT)
def test_import_needs_neither_torch_nor_qt(module: str) -> None:
    result = python(REFUSE + IMPORT_ALL, "torch,PySide6,pyqtgraph", module)
    assert result.returncode == 0, result.stderr


def test_window_is_imported_without_torch() -> None:
    result = python(REFUSE + IMPORT_ALL, "torch,numba,transformers", "gptdesk.ui")
    assert result.returncode == 0, result.stderr


def test_trainer_starts_where_qt_is_not_installed() -> None:
    result = python(REFUSE + RUN_MODULE, "PySide6,pyqtgraph", "trainer", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "train" in result.stdout


def test_complete_works_where_qt_is_not_installed(tiny_model_folder: Path) -> None:
    arguments = ("complete", "Once upon a time", "--model", str(tiny_model_folder), "--max-tokens", "3")
    result = python(REFUSE + RUN_MODULE, "PySide6,pyqtgraph", "gptdesk", *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip()


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_a_model_writes_without_torch(tiny_model_folder: Path, precision: str) -> None:
    pytest.importorskip("numba")
    arguments = ("complete", "Once upon a time", "--model", str(tiny_model_folder), "--max-tokens", "3")
    result = python(REFUSE + RUN_MODULE, "torch", "gptdesk", *arguments, "--precision", precision, "--device", "cpu")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip()


def test_where_numba_is_missing_torch_writes_without_its_compiler(tiny_model_folder: Path) -> None:
    """It needs sympy, and importing both takes as long as all the rest of torch."""
    arguments = ("complete", "Once upon a time", "--model", str(tiny_model_folder), "--max-tokens", "3", "--json")
    without_numba = "import sys\nsys.modules['numba'] = None\n"
    result = python(without_numba + REFUSE + RUN_MODULE, "sympy", "gptdesk", *arguments, "--device", "cpu")
    assert (result.returncode, result.stderr) == (0, "")
    assert '"backend": "torch"' in result.stdout


ROOT = Path(__file__).parents[1]

LONGEST_MODULE, MOST_MODULES, MEDIAN_LINES = 350, 20, 160

LONGER_MODULES = {
    "run.py": "one file that anybody can start, with the standard library alone, before anything is installed",
}


def modules() -> dict[str, int]:
    """Lines of each module, by its path."""
    paths = [path for folder in ("gptdesk", "trainer") for path in (ROOT / folder).rglob("*.py")]
    return {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (*paths, ROOT / "run.py")
    }


def test_no_module_is_too_long_to_be_read_in_one_sitting() -> None:
    lines = modules()
    assert {path for path, count in lines.items() if count > LONGEST_MODULE} <= set(LONGER_MODULES)
    assert statistics.median(lines.values()) < MEDIAN_LINES


def test_no_folder_has_more_modules_than_can_be_looked_over() -> None:
    folders = [path.rpartition("/")[0] for path in modules()]
    assert {folder for folder in folders if folders.count(folder) > MOST_MODULES} == set()
