"""Another models folder: what it must be, and what happens with the models of the former one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import MODELS_SETTING, SETTINGS_FILE, Folders
from gptdesk.library.catalogue import find_model, list_models
from gptdesk.library.library import Library
from gptdesk.library.models_folder import check_models_folder, link_models
from gptdesk.library.record import Record, write_record
from gptdesk.library.verify import verify
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.library.conftest import everything


@pytest.fixture
def installed(folders: Folders, tiny_model_folder: Path) -> Path:
    """The small model in the models folder, as a download leaves it."""
    shutil.copytree(tiny_model_folder, folders.models / "tiny")
    write_record(folders.models / "tiny", Record(source="someone/tiny", revision="0" * 40, licence="mit"))
    return folders.models / "tiny"


def moved_to(folders: Folders, folder: Path) -> Folders:
    """Changes the models folder, as the window does."""
    checked = check_models_folder(folder, folders.models)
    link_models(folders, checked, lambda done, total: None)
    return replace(folders, models=checked)


def test_models_stay_where_they_are_and_are_listed_with_all_that_is_known_of_them(
    folders: Folders, installed: Path, tmp_path: Path
) -> None:
    before = everything(installed)
    old = Library(folders)
    old.set_defaults(old.entry("tiny"), precision="float32")
    old.set_defaults(old.entry("stories"), precision="bfloat16")
    new = moved_to(folders, tmp_path / "other" / "models")
    entry = Library(new).entry("tiny")
    assert (entry.kind, entry.state, entry.path) == ("linked", "ready", installed)
    assert (entry.repo, entry.licence, entry.defaults.precision) == ("someone/tiny", "mit", "float32")
    assert Library(new).entry("stories").defaults.precision == "bfloat16"
    assert verify(entry).ok
    assert find_model("tiny", new).path == installed
    assert everything(installed) == before
    Library(new).remove("tiny")
    assert everything(installed) == before, "only the link is removed"


def test_changing_to_and_fro_lists_nothing_twice(folders: Folders, installed: Path, tmp_path: Path) -> None:
    new = moved_to(folders, tmp_path / "new")
    shutil.copytree(installed, new.models / "second")
    for _ in range(2):
        back = moved_to(new, folders.models)
        assert [(e.name, e.kind) for e in Library(back).installed()] == [("second", "linked"), ("tiny", "installed")]
        new = moved_to(back, tmp_path / "new")
        assert [(e.name, e.kind) for e in Library(new).installed()] == [("second", "installed"), ("tiny", "linked")]


def test_a_model_whose_name_is_taken_gets_another_and_that_is_told(
    folders: Folders, installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(installed, tmp_path / "new" / "tiny")
    assert link_models(folders, tmp_path / "new", lambda done, total: None) == {"tiny": "tiny 2"}
    assert find_model("tiny 2", replace(folders, models=tmp_path / "new")).path == installed


def test_a_damaged_model_and_one_whose_disk_is_missing_stay_in_the_list(
    folders: Folders, installed: Path, tmp_path: Path
) -> None:
    (installed / "model.safetensors").unlink()
    (folders.models / "far").mkdir()
    write_record(folders.models / "far", Record(link="/nowhere/far"))
    new = moved_to(folders, tmp_path / "new")
    assert {e.name: e.state for e in Library(new).installed()} == {"far": "damaged", "tiny": "damaged"}


@pytest.mark.parametrize("what", ["inside", "around", "a file", "other files"])
def test_a_folder_that_cannot_hold_models_is_refused_and_nothing_is_written(
    folders: Folders, installed: Path, tmp_path: Path, what: str
) -> None:
    folder, reason = {
        "inside": (folders.models / "more", "lie inside each other"),
        "around": (folders.models.parent, "lie inside each other"),
        "a file": (tmp_path / "file", "cannot be made"),
        "other files": (tmp_path / "photos", r"holds other files than models \(a.png, b.png, c.png, …\); choose an"),
    }[what]
    (tmp_path / "file").write_text("x")
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / "photos" / name).touch()
    before = everything(tmp_path)
    with pytest.raises(UserError, match=reason):
        check_models_folder(folder, folders.models)
    assert everything(tmp_path) == before


def test_command_line_and_trainer_use_the_folder_of_the_settings(
    home: Path, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "models" / "mine")
    assert Folders.of_this_user() == Folders.standard() == Folders.under(home)
    SettingsFile(home / "config" / SETTINGS_FILE).save(Settings(**{MODELS_SETTING: str(tmp_path / "models")}))
    folders = Folders.of_this_user()
    assert (folders.models, folders.runs) == (tmp_path / "models", Folders.under(home).runs)
    assert [entry.name for entry in list_models(folders)] == ["stories", "mine"]
    monkeypatch.setenv("GPTDESK_HOME", str(tmp_path / "another home"))
    assert Folders.of_this_user() == Folders.under(tmp_path / "another home"), "the environment decides whose settings"


@pytest.mark.parametrize("text", ["relative/models", 3, None, ["/x"]])
def test_a_setting_that_names_no_folder_is_ignored(home: Path, text: object) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / SETTINGS_FILE).write_text(json.dumps({"schema": 1, MODELS_SETTING: text}))
    assert Folders.of_this_user() == Folders.under(home)
