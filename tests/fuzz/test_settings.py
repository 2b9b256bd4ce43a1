"""Damaged settings, configurations, manifests and notes: a value that holds, or one sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.record import read_record
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from gptdesk.training.data.datasets import describe_set, prepared_sets, preview
from gptdesk.training.data.preparations import Preparation, preparations
from tests.fuzz.mutations import (
    COUNTS,
    DEEP,
    check_sentence,
    damaged_bytes,
    damaged_json,
    is_plain,
    refuse_or,
    run_examples,
)
from trainer.checkpoint import is_complete
from trainer.config.reference import to_toml
from trainer.config.schema import build_config
from trainer.config.values import merge, parse_flags, read_toml
from trainer.data.manifest import MANIFEST
from trainer.data.shards import PreparedData
from trainer.prepare import Request, prepare

SETTINGS = Settings(
    recent_models=("/a", "/b"),
    presets={"Mine": DecodingSettings(temperature=0.5, stop=("x",), logit_bias={5: -100})},
    document="abc",
    run="/runs/a",
    charts={"smoothing": 0.5, "axis": "step", "log": True, "hidden": ["a"]},
)
TOML = """
[model]
n_layer = 2
n_head = 2
n_embd = 16
dropout = 0.1
[data]
path = "data"
[optim]
betas = [0.9, 0.95]
[schedule]
steps = 100
warmup_steps = 2
[run]
folder = "run"
sample_prompts = ["Once", "Twice"]
"""
ODD_TOML = (
    "[" * 10_000, "1" + "0" * 400, "9" * 5_000, "0x" + "f" * 10_000, "nan", "-inf", "1e999", "true", '""', '"\\u0000"',
    "[]", "{}", "2020-01-01", "9999-99-99", "[[[]]]", '"""\n"""', "0.1", "-1", "99999999999", DEEP, "{a = {a = {}}}",
    "",
    "a" + ".a" * 5_000, "1\n" + "a." * 3_000 + "a = 1",
)  # fmt: skip
RECORD = {
    "arguments": ["a.txt", "--out", "/x", "--column", "text"], "t": 1.7e9, "console": 0, "pid": 99, "code": 2,
    "paused": True,
}  # fmt: skip
PROGRESS = {
    "state": "encoding", "pid": 99, "bytes": 100, "bytes_done": 40, "documents": 5, "tokens": 70, "tokens_per_s": 5.5,
    "seconds_left": 3, "downloaded": 0, "download": 0, "broken": 1, "error": "",
}  # fmt: skip
MODEL = {
    "format": 1, "source": "a/b", "revision": "0" * 40, "sha256": {"model.safetensors": "0" * 64}, "added": "2026",
    "link": "", "licence": "mit", "defaults": {"precision": "int8", "decoding": {"temperature": 0.5}},
}  # fmt: skip


@COUNTS
def test_damaged_settings_lose_what_is_damaged_alone(count: int, tmp_path: Path) -> None:
    values = {"schema": 1, **json.loads(json.dumps(SETTINGS.to_json()))}
    path = tmp_path / "settings.json"

    def check(data: bytes) -> None:
        for other in tmp_path.iterdir():
            other.unlink()
        path.write_bytes(data)
        file = SettingsFile(path)
        settings, problems = file.load()
        for problem in problems:
            check_sentence(problem)
        assert is_plain(settings.to_json())
        refuse_or(lambda: file.save(settings))
        if file.writable:
            assert SettingsFile(path).load() == (settings, [])

    run_examples(count, damaged_json(values), check)


@st.composite
def damaged_toml(draw: st.DrawFn) -> bytes:
    lines = TOML.splitlines()
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[place].partition(" = ")
        odd = draw(st.sampled_from(ODD_TOML))
        lines[place] = f"{key} = {odd}" if equals and draw(st.booleans()) else odd
    data = "\n".join(lines).encode()
    return draw(damaged_bytes(data)) if draw(st.integers(0, 3)) == 0 else data


@COUNTS
def test_a_damaged_configuration_is_one_sentence_or_a_configuration(count: int, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        values = refuse_or(lambda: read_toml(path))
        if values is None:
            return
        config = refuse_or(lambda: build_config(merge(values, {"run": {"threads": 1}})))
        if config is not None:
            refuse_or(config.model.gpt2_config)
            assert build_config(read_toml(_written(tmp_path / "again.toml", to_toml(config)))) == config

    run_examples(count, damaged_toml(), check)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@COUNTS
def test_an_odd_flag_is_one_sentence_or_a_configuration(count: int) -> None:
    def check(value: str) -> None:
        for name in ("schedule.steps", "optim.betas", "data.path", "run.device"):
            values = refuse_or(lambda name=name: parse_flags([f"--{name}", value]))
            if values is not None:
                refuse_or(lambda values=values: build_config(values))

    run_examples(count, st.one_of(st.sampled_from(ODD_TOML), st.text(max_size=20)), check)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared data, in a person's own folder for it, with a second set beside it."""
    home = tmp_path_factory.mktemp("home")
    text = "\n<|endoftext|>\n".join(f"Once upon a time there were {number} dragons." for number in range(40))
    (home / "tales.txt").write_text(text)
    folder = home / "data" / "datasets" / "target"
    folder.parent.mkdir(parents=True)
    prepare(Request(sources=(str(home / "tales.txt"),), validation_share=0.2), folder)
    shutil.copytree(folder, folder.with_name("neighbour"))
    return folder


@COUNTS
def test_a_damaged_manifest_is_one_sentence_and_costs_its_data_alone(
    count: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = data.parents[2]
    monkeypatch.setenv("GPTDESK_HOME", str(home))
    sound = json.loads((data / MANIFEST).read_text())
    whole = (data / MANIFEST).read_bytes()

    def check(contents: bytes) -> None:
        (data / MANIFEST).write_bytes(contents)
        opened = refuse_or(lambda: PreparedData.open(data))
        if opened is not None:
            assert len(opened.train) >= 0
            refuse_or(lambda: opened.document_starts("train"))
        refuse_or(lambda: describe_set(data))
        refuse_or(lambda: preview(data))
        assert "neighbour" in {one.name for one in prepared_sets(Folders.of_this_user())}
        refuse_or(lambda: prepare(Request(sources=(str(home / "tales.txt"),), validation_share=0.2), data))

    try:
        run_examples(count, damaged_json(sound), check)
    finally:
        (data / MANIFEST).write_bytes(whole)


@COUNTS
def test_damaged_notes_of_a_preparation_are_no_trap(count: int, tmp_path: Path) -> None:
    folders = Folders.of_this_user()
    folder = folders.data / "datasets" / "target"
    beside = folders.data / "datasets" / "beside"
    for path in (folder, beside):
        path.mkdir(parents=True)
        (path / ".prepare.json").write_text(json.dumps(RECORD))
        (path / "progress.json").write_text(json.dumps(PROGRESS))

    def check(notes: tuple[bytes, bytes]) -> None:
        (folder / ".prepare.json").write_bytes(notes[0])
        (folder / "progress.json").write_bytes(notes[1])
        state = Preparation(folder).state()
        numbers = [state.share, state.tokens_per_s, state.seconds_left, state.documents, state.tokens]
        assert is_plain([state.state, state.error, *numbers])
        assert 0 <= state.share <= 1
        assert {preparation.name for preparation in preparations(folders)} == {"target", "beside"}
        assert prepared_sets(folders) == []

    run_examples(count, st.tuples(damaged_json(RECORD), damaged_json(PROGRESS)), check)


@COUNTS
def test_a_damaged_record_of_a_model_is_an_empty_one(count: int, tmp_path: Path) -> None:
    def check(contents: bytes) -> None:
        (tmp_path / "model.json").write_bytes(contents)
        record = read_record(tmp_path)
        assert is_plain([record.source, record.licence, record.revision, dict(record.sha256)])
        DecodingSettings.from_json(record.defaults.decoding)

    run_examples(count, damaged_json(MODEL), check)


@COUNTS
def test_a_checkpoint_with_a_damaged_manifest_is_not_whole(count: int, tmp_path: Path) -> None:
    manifest: dict[str, Any] = {"config.json": {"bytes": 2, "sha256": "0" * 64}}
    (tmp_path / "config.json").write_text("{}")

    def check(contents: bytes) -> None:
        (tmp_path / "manifest.json").write_bytes(contents)
        assert not is_complete(tmp_path)

    run_examples(count, damaged_json(manifest), check)
