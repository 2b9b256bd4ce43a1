"""How long a token of prepared data is, by its manifest; runs that did not record bits per byte are told."""

import json
from pathlib import Path

import pytest

from gptdesk.files import read_json
from gptdesk.folders import Folders
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.training.data.bytes_per_token import bytes_per_token
from gptdesk.training.data.data_scanner import DataScanner
from gptdesk.training.index import RunIndex
from gptdesk.training.run_scanner import RunScanner
from gptdesk.training.scan_result import Selection
from trainer.data.manifest import MANIFEST
from trainer.prepare.run import Request, prepare
from trainer.run_directory.layout import EVENTS, RUN

TEXT = "Once upon a time there was a dragon who liked its tea with milk. " * 40


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "tale.txt").write_text(TEXT, encoding="utf-8")
    prepare(Request(sources=(str(tmp_path / "tale.txt"),)), tmp_path / "data")
    return tmp_path / "data"


def test_the_mean_is_that_of_the_texts(data: Path) -> None:
    found = bytes_per_token(data)
    assert found == pytest.approx(len(TEXT.encode()) / len(gpt2_tokenizer().encode(TEXT)), rel=0.02)


def test_it_is_not_known_of_data_that_is_gone_or_learnt_in_part(data: Path, tmp_path: Path) -> None:
    assert bytes_per_token(tmp_path / "nowhere") is None
    manifest = read_json(data / MANIFEST)
    assert manifest is not None
    for change in ({"records": {"learn_prompts": False}}, {"sources": 3}, {"text_bytes": "many"}):
        (data / MANIFEST).write_text(json.dumps(manifest | change), encoding="utf-8")
        assert bytes_per_token(data) is None


@pytest.mark.parametrize("recorded", [False, True])
def test_a_run_gets_the_length_only_if_it_did_not_record_bits_per_byte(
    data: Path, tmp_path: Path, recorded: bool
) -> None:
    folders = Folders.under(tmp_path / "home")
    run = folders.runs / "one"
    run.mkdir(parents=True)
    (run / RUN).write_text(
        json.dumps({"format": 1, "id": "one", "t": 1.0, "config": {"data": {"path": str(data)}}}), encoding="utf-8"
    )
    values = {"loss": 3.0, **({"bits_per_byte": 1.3} if recorded else {})}
    line = {"v": 1, "seq": 1, "seg": 0, "t": 2.0, "ev": "step", "step": 1, "tokens": 9, **values}
    (run / EVENTS).write_text(json.dumps(line) + "\n", encoding="utf-8")
    scanner = RunScanner(RunIndex(tmp_path / "runs.json", folders.runs), DataScanner(folders))
    scanner.scan(Selection(run))
    history = scanner.scan(Selection(run)).histories[run]
    assert history.bytes_per_token == (None if recorded else bytes_per_token(data))
