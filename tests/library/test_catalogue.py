"""Finding and describing models without loading them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.catalogue import BUNDLED, describe_model, find_model, list_models


@pytest.fixture
def folders(home: Path) -> Folders:
    return Folders.under(home)


@pytest.fixture
def own(folders: Folders, tiny_model_folder: Path) -> Path:
    """A model in the person's models folder."""
    return Path(shutil.copytree(tiny_model_folder, folders.models / "my model"))


def test_a_folder_is_described(tiny_model_folder: Path, tiny_config: GPT2Config, folders: Folders) -> None:
    entry = find_model(str(tiny_model_folder), folders)
    assert (entry.name, entry.path, entry.config) == (tiny_model_folder.name, tiny_model_folder, tiny_config)
    assert entry.parameters == tiny_config.num_parameters()
    assert entry.size == (tiny_model_folder / "model.safetensors").stat().st_size
    assert not entry.bundled


def test_the_bundled_model_is_found_by_name(folders: Folders) -> None:
    entry = find_model(BUNDLED, folders)
    assert entry.bundled
    assert entry.size <= 25_000_000
    assert list_models(folders) == [entry]


def test_models_of_the_person_are_found_by_name(own: Path, folders: Folders) -> None:
    assert find_model("my model", folders).path == own
    assert [entry.path for entry in list_models(folders) if not entry.bundled] == [own]


def test_relative_folders_are_found(
    tiny_model_folder: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / BUNDLED)
    monkeypatch.chdir(tmp_path)
    assert find_model(f".{os.sep}{BUNDLED}", folders).path == tmp_path / BUNDLED


def test_the_home_folder_may_be_a_tilde(
    tiny_model_folder: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tiny_model_folder.parent))
    monkeypatch.setenv("USERPROFILE", str(tiny_model_folder.parent))
    assert find_model(f"~/{tiny_model_folder.name}", folders).path == tiny_model_folder


def test_two_dots_are_a_folder_and_no_name(
    own: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = Path(shutil.copytree(own, tmp_path / "here"))
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    assert find_model("..", folders).path.resolve() == here


@pytest.mark.parametrize("name", ["nothing", "/no/such/folder", "gpt2", "nul\0l", "x" * 5000, "~nobody of that name/x"])
def test_what_is_not_there_is_named(name: str, folders: Folders) -> None:
    with pytest.raises(UserError, match="There is no model called"):
        find_model(name, folders)


def test_no_name_is_no_model(folders: Folders) -> None:
    with pytest.raises(UserError, match="Give a model"):
        find_model("", folders)


def test_weights_alone_are_no_model(tiny_model_folder: Path, folders: Folders) -> None:
    with pytest.raises(UserError, match="not a folder"):
        find_model(str(tiny_model_folder / "model.safetensors"), folders)


def test_broken_folders_are_left_out_of_the_list(own: Path, folders: Folders) -> None:
    (folders.models / "empty").mkdir()
    (folders.models / "file").touch()
    shutil.copytree(own, folders.models / ".unfinished")
    shutil.copytree(own, folders.models / "llama")
    (folders.models / "llama" / "config.json").write_text('{"model_type": "llama"}')
    assert [entry.name for entry in list_models(folders) if not entry.bundled] == ["my model"]


def test_describing_says_what_is_wrong(own: Path) -> None:
    (own / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"has no model\.safetensors"):
        describe_model(own)


def test_import_needs_no_torch() -> None:
    code = "import sys, gptdesk.library.catalogue; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
