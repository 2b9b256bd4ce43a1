"""Every format, from the file to a trained model: trainer prepare X, then two steps of trainer train --preset smoke."""

import csv
import gzip
import io
import json
import lzma
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from gptdesk.files import read_json
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from tests.trainer.made_files import paragraph, write_docx, write_epub, write_pdf, write_zip
from trainer.cli import main
from trainer.data.shards import PreparedData
from trainer.run_directory.layout import CHECKPOINTS

TOKENIZER = gpt2_tokenizer()
SMALLEST = (
    "--model.n_layer", "1", "--model.n_embd", "8", "--model.n_head", "1", "--schedule.steps", "2",
    "--run.sample_tokens", "0", "--run.device", "cpu",
)  # fmt: skip

PARAGRAPHS = [f"In chapter {i} the old man, Mr. Größe, went to the sea; he said nothing to anybody." for i in range(12)]
TEXT = "\n\n".join(PARAGRAPHS)


def table(delimiter: str) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows([("id", "text"), *enumerate(PARAGRAPHS)])
    return file.getvalue().encode()


def lines() -> bytes:
    return "".join(json.dumps({"text": text}) + "\n" for text in PARAGRAPHS).encode()


def parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": PARAGRAPHS}), file)
    return file.getvalue()


def zst(data: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def written(write: Callable[[Path], Path], tmp: Path) -> bytes:
    return write(tmp / "made").read_bytes()


HTML = f"<html><meta charset=utf-8><body>{''.join(f'<p>{text}</p>' for text in PARAGRAPHS)}</body></html>".encode()
PAGE = [line for text in PARAGRAPHS for line in (*textwrap.wrap(text, 60), "")]
CONTENTS: dict[str, Callable[[Path], bytes]] = {
    "a.txt": lambda _: TEXT.encode(),
    "bom.txt": lambda _: TEXT.encode("utf-8-sig"),
    "utf-16.txt": lambda _: TEXT.encode("utf-16"),
    "latin-1.txt": lambda _: TEXT.encode("latin-1"),
    "a.md": lambda _: TEXT.encode(),
    "a.jsonl": lambda _: lines(),
    "a.json": lambda _: json.dumps([{"text": text} for text in PARAGRAPHS]).encode(),
    "a.csv": lambda _: table(","),
    "a.tsv": lambda _: table("\t"),
    "a.parquet": lambda _: parquet(),
    "a.html": lambda _: HTML,
    "a.epub": lambda tmp: written(lambda p: write_epub(p, {"1.xhtml": f"<p>{'</p><p>'.join(PARAGRAPHS)}</p>"}), tmp),
    "a.docx": lambda tmp: written(lambda p: write_docx(p, "".join(map(paragraph, PARAGRAPHS))), tmp),
    "a.pdf": lambda tmp: written(lambda p: write_pdf(p, [PAGE]), tmp),
    "a.txt.gz": lambda _: gzip.compress(TEXT.encode()),
    "a.txt.xz": lambda _: lzma.compress(TEXT.encode()),
    "a.jsonl.zst": lambda _: zst(lines()),
    "a.zip": lambda tmp: written(lambda p: write_zip(p, {"deep/a.txt": TEXT}), tmp),
}


def prepare_and_train(tmp_path: Path, source: str, *arguments: str) -> PreparedData:
    """Prepares and trains as a person does; the data that was trained on."""
    data, run = tmp_path / "data", tmp_path / "run"
    assert main(["prepare", source, "--out", str(data), "--workers", "1", *arguments]) == 0
    assert main(["train", "--preset", "smoke", "--data", str(data), "--out", str(run), *SMALLEST]) == 0
    assert (run / CHECKPOINTS / "step-00000002" / "model.safetensors").exists()
    status = read_json(run / "status.json")
    assert status is not None
    assert (status["state"], status["step"]) == ("finished", 2)
    assert status["val_loss"] > 0
    return PreparedData.open(data)


def documents(data: PreparedData, split: str) -> list[str]:
    tokens = getattr(data, split)
    starts = [*data.document_starts(split).tolist(), len(tokens)]
    return [TOKENIZER.decode(tokens.read(start, end - start - 1).tolist()) for start, end in pairwise(starts)]


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_of_every_format_is_prepared_and_trained_on(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / name
    source.write_bytes(CONTENTS[name](tmp_path))
    strict = () if name in ("utf-16.txt", "latin-1.txt") else ("--strict",)
    data = prepare_and_train(tmp_path, str(source), *strict)
    assert name in capsys.readouterr().out, "what was made of the source is said"
    found = [*sorted(documents(data, "train")), *documents(data, "val")]
    assert sorted(" ".join(found).split()) == sorted(TEXT.split())
    assert 0.05 < len(data.val) / (len(data.train) + len(data.val)) < 0.2
    assert data.train.read_weights(0, 5) is None, "all of a text is learnt"
