"""`prepare --vocabulary`: one job makes the tokenizer from the text and encodes the text with it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.files import read_json
from tests.patience import PATIENCE
from trainer.cli import main
from trainer.data.shards import PreparedData
from trainer.prepare import Progress, Request, prepare
from trainer.prepare.progress_file import PROGRESS
from trainer.prepare.tokenizer_training.train import CHARACTER, TokenizerRequest, make_tokenizer

DOCUMENTS = [f"Chapter {i}. The mill by the river wasn't turning; {i * 7} geese slept." for i in range(120)]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "mill.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in DOCUMENTS), encoding="utf-8")
    return path


def request_of(text: Path, **over: object) -> Request:
    values = {"sources": (str(text),), "vocabulary": "bpe", "vocab_size": 300, "validation_share": 0.2} | over
    return Request(**values)  # type: ignore[arg-type]


def test_the_data_is_that_of_a_tokenizer_made_before(text: Path, tmp_path: Path) -> None:
    made = make_tokenizer(TokenizerRequest(sources=(str(text),), vocab_size=300), tmp_path / "bpe")
    given = Request(sources=(str(text),), tokenizer_folder=str(tmp_path / "bpe"), validation_share=0.2)
    prepare(given, tmp_path / "given")
    phases: list[str] = []
    manifest = prepare(request_of(text), tmp_path / "own", progress=lambda now: phases.append(now.phase))
    assert list(dict.fromkeys(phases)) == ["vocabulary", "encode", "merge"]
    for name in ("train-00000.bin", "val-00000.bin"):
        assert (tmp_path / "own" / name).read_bytes() == (tmp_path / "given" / name).read_bytes()
    assert manifest["tokenizer"]["sha256"] == made.sha256
    assert (manifest["settings"]["vocabulary"], manifest["settings"]["vocab_size"]) == ("bpe", 300)
    assert PreparedData.open(tmp_path / "own").load_tokenizer().sha256 == made.sha256
    assert not list((tmp_path / "own").glob(".tokenizer*"))
    assert prepare(request_of(text), tmp_path / "own") == manifest, "nothing is left to do"
    for other in (request_of(text, vocab_size=400), request_of(text, vocabulary="", vocab_size=0)):
        with pytest.raises(UserError, match="other sources or settings"):
            prepare(other, tmp_path / "own")
    with pytest.raises(UserError, match="other sources or settings"):
        prepare(request_of(text), tmp_path / "given")


@pytest.mark.parametrize("phase", ["vocabulary", "encode"])
def test_one_that_was_stopped_is_gone_on_with(text: Path, tmp_path: Path, phase: str) -> None:
    prepare(request_of(text), tmp_path / "undisturbed")

    def stop(now: Progress) -> None:
        if now.phase == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(request_of(text), tmp_path / "data", progress=stop)
    stopped = read_json(tmp_path / "data" / PROGRESS) or {}
    assert (stopped["state"], stopped["makes_vocabulary"]) == ("stopped", True)
    prepare(request_of(text), tmp_path / "data")
    for name in ("manifest.json", "train-00000.bin", "tokenizer/tokenizer.json"):
        assert (tmp_path / "data" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_a_text_without_words_fails_with_a_sentence_and_leaves_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": ""}\n')
    with pytest.raises(UserError, match="No text was found"):
        prepare(request_of(tmp_path / "few.jsonl"), tmp_path / "data")
    assert (read_json(tmp_path / "data" / PROGRESS) or {})["state"] == "failed"
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [".lock", PROGRESS]


def test_characters_of_the_validation_text_and_of_the_template_have_tokens_too(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "ab"}, {"role": "assistant", "content": "ba"}]
    (tmp_path / "train.jsonl").write_text(f"{json.dumps({'messages': turns})}\n" * 20)
    (tmp_path / "val.txt").write_text("zzz")
    request = Request(
        sources=(str(tmp_path / "train.jsonl"),),
        validation=(str(tmp_path / "val.txt"),),
        template="chatml",
        vocabulary=CHARACTER,
    )
    prepare(request, tmp_path / "data")
    tokenizer = PreparedData.open(tmp_path / "data").load_tokenizer()
    assert tokenizer.decode(tokenizer.encode("<|im_start|>abz")) == "<|im_start|>abz"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--vocabulary", "bpe"], "has 257 tokens"),
        (["--vocabulary", "characters", "--vocab-size", "300"], "leave --vocab-size out"),
        (["--vocab-size", "300"], "--vocab-size goes with --vocabulary"),
        (["--vocabulary", "bytes", "--tokenizer", "x"], "give one of them"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_read(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert main(["prepare", str(text), *flags, "--out", str(tmp_path / "data")]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_plan_estimates_tokens_before_there_is_a_tokenizer(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = {}
    for flags in ((), ("--vocabulary", "bpe", "--vocab-size", "512"), ("--vocabulary", "bytes")):
        assert main(["prepare", str(text), *flags, "--plan", "--json", "--out", str(tmp_path / "data")]) == 0
        plans[flags] = json.loads(capsys.readouterr().out)["tokens"]
    assert list(plans.values()) == sorted(plans.values())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_while_it_learns_stops_in_order(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("".join(f"word{i} other{i * 7} and {i}\n" for i in range(200_000)), encoding="utf-8")
    command = ["-m", "trainer", "prepare", str(source), "--vocabulary", "bpe", "--vocab-size", "60000", "--events"]
    arguments = [sys.executable, *command, "--out", str(tmp_path / "data")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("phase") == "vocabulary":
                break
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(PATIENCE) == 143
    assert (read_json(tmp_path / "data" / PROGRESS) or {})["state"] == "stopped"
    assert not (tmp_path / "data" / "tokenizer").exists()
