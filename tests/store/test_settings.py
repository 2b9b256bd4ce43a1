"""Settings: back after a restart, and no bad file or full disk costs a person anything."""

import errno
import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store import files
from gptdesk.store.settings import Settings, check_preset_name
from gptdesk.store.settings_file import SCHEMA, SettingsFile

OWN = Settings(
    theme="dark",
    text_size=22,
    threads=3,
    model="/models/with spaces/é",
    recent_models=("/a", "/b"),
    closed_groups=("Length",),
    device="cpu",
    decoding=DecodingSettings(temperature=0.3, stop=("\n\n",), seed=2**62),
    presets={"Wild": DecodingSettings(temperature=3.0)},
    new_document_decoding=DecodingSettings(top_k=3),
    document="abc",
    folder="/texts/é",
    page="train",
    run="/runs/é",
    follow="/runs/é",
    marks=False,
    welcome_seen=True,
    charts={"axis": "step", "smoothing": 0.6, "log_x": True, "small": ["lr", "grad_norm"]},
)


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    return SettingsFile(tmp_path / "config" / "settings.json")


def test_settings_come_back(file: SettingsFile) -> None:
    file.save(OWN)
    assert SettingsFile(file.path).load() == (OWN, [])


def test_no_file_gives_the_defaults(file: SettingsFile) -> None:
    assert file.load() == (Settings(), [])


def test_settings_from_before_documents_had_their_own_are_used_for_new_ones(file: SettingsFile) -> None:
    file.save(OWN)
    values = json.loads(file.path.read_text())
    del values["new_document_decoding"]
    file.path.write_text(json.dumps(values))
    settings, problems = file.load()
    assert problems == []
    assert settings.new_document_decoding == OWN.decoding


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "x"}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_set_aside(file: SettingsFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    settings, problems = file.load()
    assert settings == Settings()
    assert len(problems) == 1
    (aside,) = file.path.parent.iterdir()
    assert aside.read_bytes() == content
    assert str(aside) in problems[0]


def test_a_newer_file_is_never_overwritten(file: SettingsFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text(json.dumps({"schema": SCHEMA + 1, "theme": "sepia"}))
    before = file.path.read_bytes()
    settings, problems = file.load()
    file.save(OWN)
    assert settings == Settings()
    assert "newer" in problems[0]
    assert file.path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "sepia"),
        ("text_size", 1000),
        ("text_size", True),
        ("threads", -1),
        ("threads", 2000),
        ("threads", True),
        ("model", ""),
        ("recent_models", "x"),
        ("decoding", {"temperature": 99}),
        ("decoding", 3),
        ("presets", {"Greedy": {}}),
        ("presets", []),
        ("new_document_decoding", {"warmth": 1}),
        ("document", 3),
        ("folder", 3),
        ("page", 3),
        ("run", 3),
        ("follow", []),
        ("marks", 1),
        ("welcome_seen", "yes"),
        ("charts", {"axis": {}}),
    ],
)
def test_one_bad_value_costs_only_itself(file: SettingsFile, name: str, value: Any) -> None:
    file.save(OWN)
    values = json.loads(file.path.read_text())
    values[name] = value
    file.path.write_text(json.dumps(values))
    settings, problems = file.load()
    assert len(problems) == 1
    assert getattr(settings, name) == getattr(Settings(), name)
    others = {key: value for key, value in OWN.to_json().items() if key != name}
    assert {key: value for key, value in settings.to_json().items() if key != name} == others


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.save(Settings())
    before = file.path.read_bytes()

    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        file.save(OWN)
    assert file.path.read_bytes() == before
    assert list(file.path.parent.iterdir()) == [file.path]


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a folder that not even root may write in")
@pytest.mark.parametrize("path", ["/sys/settings.json", "/sys/gptdesk/settings.json"])
def test_a_read_only_folder_is_one_sentence(path: str) -> None:
    file = SettingsFile(Path(path))
    assert file.load() == (Settings(), [])
    with pytest.raises(UserError, match=r"^[^\n]*cannot be (saved|made)[^\n]*\.$"):
        file.save(OWN)


@given(st.text())
def test_a_preset_may_have_any_printable_name(name: str) -> None:
    try:
        check_preset_name(name)
    except UserError:
        assert not name.strip() or name != name.strip() or not name.isprintable() or len(name) > 40
    else:
        settings = Settings(presets={name: DecodingSettings()})
        assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == (settings, [])


@pytest.mark.parametrize("model", ['"\\ud800"', '"a\\u0000b"'])
def test_half_a_character_in_the_settings_can_be_saved_again(tmp_path: Path, model: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(f'{{"schema": 1, "model": {model}}}')
    file = SettingsFile(path)
    settings, problems = file.load()
    assert problems == []
    assert "\ufffd" in settings.model
    file.save(settings)
    assert SettingsFile(path).load() == (settings, [])
