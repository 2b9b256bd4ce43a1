"""Where a person's files go, and what happens when they cannot go there."""

import os
import stat
import sys
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders, ensure_folder

NAMES = ("config", "data", "models", "runs", "logs", "cache")


def test_home_variable_moves_every_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GPTDESK_HOME", str(tmp_path / "hôme of mine"))
    folders = Folders.of_this_user()
    assert {getattr(folders, name) for name in NAMES} == {tmp_path / "hôme of mine" / name for name in NAMES}


def test_relative_home_stays_when_the_working_directory_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPTDESK_HOME", "mine")
    assert Folders.of_this_user().data == tmp_path / "mine" / "data"


def test_a_tilde_in_the_variable_is_the_home_of_whoever_has_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    monkeypatch.setenv("GPTDESK_HOME", "~/kept")
    assert Folders.of_this_user().config == tmp_path / "me" / "kept" / "config"
    monkeypatch.setenv("GPTDESK_HOME", "~nobody of that name")
    assert Folders.of_this_user().config == tmp_path / "~nobody of that name" / "config"


def test_without_the_variable_folders_are_the_systems_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GPTDESK_HOME")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    folders = Folders.of_this_user()
    assert all("gptdesk" in getattr(folders, name).parts for name in NAMES)


def test_naming_the_folders_makes_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GPTDESK_HOME", str(tmp_path / "home"))
    Folders.of_this_user()
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits; profile folders are private there")
def test_made_folders_are_private_all_the_way_up(tmp_path: Path) -> None:
    made = ensure_folder(tmp_path / "a" / "b")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (made, made.parent)] == [0o700, 0o700]


def test_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    before = tmp_path.stat().st_mode
    ensure_folder(tmp_path)
    assert tmp_path.stat().st_mode == before


@pytest.mark.parametrize("below", [".", "data"])
def test_file_in_the_way_is_one_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(UserError, match=r"cannot be made.*GPTDESK_HOME"):
        ensure_folder(tmp_path / "home" / below)
