"""`trainer tokenizer`: what it makes, beside transformers' AutoTokenizer, and how it ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizer import Tokenizer
from tests.patience import PATIENCE
from trainer.cli import main
from trainer.data.tokenizer import open_tokenizer
from trainer.prepare.encoding.encode import BatchEncoder, cuts_as_gpt2
from trainer.prepare.tokenizer_training.measure import measure
from trainer.prepare.tokenizer_training.train import TokenizerProgress, TokenizerRequest, make_tokenizer

SENTENCE = "The old mill by the river wasn't turning, and 17 geese stood in its shade.\n"
OTHERS = [
    "Größe, façade, naïve; 東京の天気 и погода в Москве",
    "  \t two  spaces\u00a0and\u3000wide ones \n\n",
    "👩‍👩‍👧 emoji, a NUL \x00 and <|endoftext|> as text",
]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "mill.txt"
    path.write_text("".join(SENTENCE.replace("17", str(i)) for i in range(200)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bpe(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "bpe"
    assert main(["tokenizer", str(text), "--vocab-size", "320", "--out", str(folder)]) == 0
    return folder


def ids_of_peer(folder: Path, text: str) -> list[int]:
    """What `transformers` makes of a text in which names of special tokens are plain text."""
    peer = AutoTokenizer.from_pretrained(folder)
    return list(peer(text, split_special_tokens=True)["input_ids"])


def test_a_bpe_gives_the_ids_that_transformers_gives(bpe: Path) -> None:
    ours = open_tokenizer(bpe)
    assert (ours.vocab_size, ours.end_of_text) == (320, 319)
    assert len(ours.encode(SENTENCE)) < len(SENTENCE) / 2, "it learnt this text"
    for sample in (SENTENCE, *OTHERS):
        assert ours.encode(sample) == ids_of_peer(bpe, sample)
        assert ours.decode(ours.encode(sample)) == sample
    assert AutoTokenizer.from_pretrained(bpe).eos_token_id == 319


def test_vocabulary_and_merges_alone_are_the_same_tokenizer(bpe: Path, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((bpe / name).read_bytes())
    assert open_tokenizer(tmp_path).sha256 == open_tokenizer(bpe).sha256


def test_the_same_text_gives_the_same_tokenizer(bpe: Path, text: Path, tmp_path: Path) -> None:
    made = make_tokenizer(TokenizerRequest(sources=(str(text),), vocab_size=320), tmp_path / "again")
    assert made.sha256 == open_tokenizer(bpe).sha256
    assert (tmp_path / "again" / "tokenizer.json").read_bytes() == (bpe / "tokenizer.json").read_bytes()


def test_bytes_need_no_text_and_know_every_byte(tmp_path: Path) -> None:
    assert main(["tokenizer", "--kind", "bytes", "--out", str(tmp_path / "bytes")]) == 0
    ours = open_tokenizer(tmp_path / "bytes")
    assert (ours.vocab_size, ours.end_of_text) == (257, 256)
    for sample in OTHERS:
        assert ours.encode(sample) == list(sample.encode()) == ids_of_peer(tmp_path / "bytes", sample)


def test_characters_have_the_ids_of_nanogpt(text: Path, tmp_path: Path) -> None:
    assert main(["tokenizer", str(text), "--kind", "characters", "--out", str(tmp_path / "characters")]) == 0
    ours = open_tokenizer(tmp_path / "characters")
    # https://github.com/karpathy/nanoGPT/blob/master/data/shakespeare_char/prepare.py
    characters = sorted(set(text.read_text(encoding="utf-8")))
    ids = {character: id for id, character in enumerate(characters)}
    assert ours.encode(SENTENCE) == [ids[c] for c in SENTENCE] == ids_of_peer(tmp_path / "characters", SENTENCE)
    assert ours.end_of_text == len(characters)
    with pytest.raises(UserError):
        ours.encode("é")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4))
def test_documents_encoded_together_have_the_ids_of_each_alone(
    fast: tuple[Tokenizer, BatchEncoder], documents: list[str]
) -> None:
    tokenizer, encoder = fast
    texts = [text.encode("utf-8", "replace").decode() for text in documents]
    encoded = encoder.encode([(text.encode(),) for text in texts])
    assert [each.tokens.tolist() for each in encoded.split()] == [[*tokenizer.encode(t), 319] for t in texts]


@pytest.fixture(scope="module")
def fast(bpe: Path) -> tuple[Tokenizer, BatchEncoder]:
    tokenizer = open_tokenizer(bpe)
    assert cuts_as_gpt2(tokenizer)
    return tokenizer, BatchEncoder(tokenizer)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--vocab-size", "256"], "has 257 tokens"),
        (["--kind", "characters", "--vocab-size", "300"], "leave --vocab-size out"),
        (["--vocab-size", "300", "--largest-text", "0"], "--largest-text must be 1 or more"),
    ],
)
def test_what_cannot_be_made_is_refused(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert main(["tokenizer", str(text), *flags, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(bpe: Path, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(bpe.iterdir())
    assert main(["tokenizer", str(text), "--vocab-size", "300", "--out", str(bpe)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert sorted(bpe.iterdir()) == before


def test_a_text_that_gives_no_more_tokens_is_named(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokenizer", str(text), "--vocab-size", "9000", "--out", str(tmp_path / "big")]) == 0
    assert "the text gives no more than these of 9,000" in capsys.readouterr().out
    assert 256 < open_tokenizer(tmp_path / "big").vocab_size < 9000


def test_only_so_much_text_is_read_as_asked(text: Path, tmp_path: Path) -> None:
    request = TokenizerRequest(sources=(str(text), "shakespeare"), vocab_size=300, largest_text=1000)
    assert 1000 <= make_tokenizer(request, tmp_path / "some").text_bytes < 100_000


def test_a_cancelled_one_leaves_nothing(text: Path, tmp_path: Path) -> None:
    def cancel(_: TokenizerProgress) -> None:
        raise KeyboardInterrupt

    request = TokenizerRequest(sources=(str(text),), vocab_size=300)
    with pytest.raises(KeyboardInterrupt):
        make_tokenizer(request, tmp_path / "out", progress=cancel)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("".join(f"word{i} other{i * 7} and {i}\n" for i in range(300_000)), encoding="utf-8")
    command = ["-m", "trainer", "tokenizer", str(source), "--vocab-size", "60000", "--events", "--out"]
    arguments = [sys.executable, *command, str(tmp_path / "out")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "progress"
        process.send_signal(signal.SIGINT)
        said = process.stdout.read().splitlines()
        assert process.wait(PATIENCE) == 130
    assert json.loads(said[-1]) == {"event": "stopped"}
    assert [path.name for path in tmp_path.iterdir()] == ["source.txt"]


def test_sizes_are_measured_as_the_tokenizers_of_these_sizes_would_write_the_text(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokenizer", str(text), "--measure", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["whole"] is True
    assert found["sample_bytes"] == pytest.approx(text.stat().st_size, abs=1), "without the line end of the last line"
    measured = {(each["kind"], each["vocab_size"]): each["bytes_per_token"] for each in found["vocabularies"]}
    assert measured["characters", len(set(text.read_text())) + 1] == 1.0
    assert ("gpt2", 50_257) in measured
    (size, per_token) = next((size, value) for (kind, size), value in measured.items() if kind == "bpe")
    assert size < 512, "the text gives no more"
    made = make_tokenizer(TokenizerRequest(sources=(str(text),), vocab_size=512), tmp_path / "made")
    assert (made.vocab_size, made.bytes_per_token) == (size, pytest.approx(per_token))
    assert main(["tokenizer", str(text), "--measure"]) == 0
    assert "On all " in capsys.readouterr().out


def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(tmp_path: Path) -> None:
    densities = {
        each.vocab_size: each.bytes_per_token for each in measure(["shakespeare"], largest=100_000).vocabularies
    }
    made = make_tokenizer(
        TokenizerRequest(sources=("shakespeare",), vocab_size=1024, largest_text=100_000), tmp_path / "made"
    )
    assert made.vocab_size == 1024
    assert densities[512] < densities[1024] < densities[2048]


@pytest.mark.parametrize(
    ("flags", "message"),
    [(["--measure"], "Name the text to measure"), (["--vocab-size", "300"], "Name the folder to write with --out")],
)
def test_what_is_missing_is_named(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenizer", *flags]) == 2
    assert message in capsys.readouterr().err
