"""How the program says that it was installed, and what it says of its libraries."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gptdesk
from gptdesk.program import installation
from gptdesk.program.installation import KINDS, MARK, declared_packages, describe_version, kind, window_packages
from gptdesk.program.licences import THIRD_PARTY, third_party_licences


def test_this_is_a_source_tree() -> None:
    assert kind() == "source"
    assert describe_version() == f"{gptdesk.__version__} (source tree)"


def test_a_package_that_is_installed_is_none(tmp_path: Path) -> None:
    shutil.copytree(Path(gptdesk.__file__).parent, tmp_path / "gptdesk", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from gptdesk.program.installation import kind; print(kind())"
    ended = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {sys.path!r}; sys.path.insert(0, '.'); {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert ended.stdout.strip() == "wheel"


@pytest.mark.parametrize("word", KINDS)
def test_a_bundle_is_what_packaging_marked_it_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    (tmp_path / MARK).write_text(f"{word}\n")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path)
    assert kind() == word


@pytest.mark.parametrize("mark", [None, b"", b"toaster", b"\xff"])
def test_a_bundle_without_a_mark_is_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes | None
) -> None:
    if mark is not None:
        (tmp_path / MARK).write_bytes(mark)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path)
    assert kind() == "archive"


def test_the_window_is_an_extra_and_everything_that_is_imported_is_declared() -> None:
    assert window_packages() == ["pyqtgraph", "PySide6-Essentials", "rapidfuzz"]
    assert {"torch", "pyarrow", "gguf", *window_packages()} <= set(declared_packages())
    assert "pytest" not in declared_packages()


def test_the_licences_are_those_of_all_libraries_and_of_theirs() -> None:
    licences = third_party_licences()
    for name in ("torch 2.", "PySide6_Essentials 6.", "safetensors ", "sympy "):  # torch depends on sympy
        assert f"\n{name}" in licences or licences.startswith(name), name
    assert "Apache License" in licences


def test_the_licences_of_a_bundle_are_the_file_that_it_brings(tmp_path: Path) -> None:
    package = Path(gptdesk.__file__).parent
    shutil.copytree(package / "program", tmp_path / "gptdesk" / "program")
    for name in ("__init__.py", "bounded_read.py", "child_process.py", "errors.py"):
        shutil.copyfile(package / name, tmp_path / "gptdesk" / name)
    (tmp_path / "gptdesk" / THIRD_PARTY).write_text("all of them\n")
    code = "from gptdesk.program.licences import third_party_licences; print(third_party_licences())"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert ended.stdout.strip() == "all of them"
