"""``gptdesk inspect``: each view as a table, CSV, JSON and picture says what the functions compute."""

import csv
import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from gptdesk.cli import main
from gptdesk.commands.inspect import VIEWS
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.inspection.picture import HeatMap, png

TEXT: Final = "Tom went home. Lily was sad. Tom"
OTHER: Final = "Sam went home. Lily was sad. Sam"
ARGUMENTS: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(VIEWS, (TEXT,)) | {
    "heads": (),
    "patching": (TEXT, "--corrupted", OTHER, "--token", " ran", "--other", " sat"),
}
MAPS: Final = [view for view in VIEWS if view not in ("neurons", "embeddings")]


@pytest.fixture
def inspect(tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command on the small model and returns what it prints."""

    def run(*arguments: str) -> str:
        assert main(["inspect", *arguments, "--model", str(tiny_model_folder), "--device", "cpu"]) == 0
        return capsys.readouterr().out

    return run


def objects(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("view", VIEWS)
def test_table_csv_and_json_of_every_view_have_the_same_rows(inspect: Callable[..., str], view: str) -> None:
    arguments = (*ARGUMENTS[view], "--view", view)
    found = objects(inspect(*arguments, "--json"))
    table = list(csv.DictReader(io.StringIO(inspect(*arguments, "--csv"))))
    heading, *lines = inspect(*arguments).splitlines()
    assert heading.split() == list(found[0]) == list(table[0])
    assert len(lines) == len(table) == len(found)
    for one, row in zip(found, table, strict=True):
        assert {name: "" if value is None else str(value) for name, value in one.items()} == row


def test_every_checkpoint_of_a_run_has_its_rows_by_step(
    inspect: Callable[..., str], tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (5, 20):
        folder = tmp_path / "checkpoints" / f"step-{step}"
        shutil.copytree(tiny_model_folder, folder)
        sizes = {file.name: {"bytes": file.stat().st_size} for file in folder.iterdir()}
        (folder / "manifest.json").write_text(json.dumps(sizes))
    for view in ("lens", "heads"):
        alone = objects(inspect(*ARGUMENTS[view], "--view", view, "--json"))
        found = objects(inspect(*ARGUMENTS[view], "--view", view, "--json", "--run", str(tmp_path)))
        assert found == [{"step": step, **row} for step in (5, 20) for row in alone]
    assert main(["inspect", TEXT, "--run", str(tmp_path / "checkpoints")]) == 2
    assert "is no run with complete checkpoints" in capsys.readouterr().err
    assert main(["inspect", TEXT, "--run", str(tmp_path), "--png", "x.png"]) == 2
    assert "A picture shows one model" in capsys.readouterr().err


@pytest.mark.parametrize("view", MAPS)
def test_every_map_is_written_as_a_picture(inspect: Callable[..., str], view: str, tmp_path: Path) -> None:
    file = tmp_path / "map.png"
    assert inspect(*ARGUMENTS[view], "--view", view, "--png", str(file)) == ""
    height, width, _ = decoded(file.read_bytes()).shape
    assert height >= 2 * 8
    assert width >= 3 * 8


def decoded(data: bytes) -> Any:
    """The pixels of a PNG file, (height, width, 3), read by its specification (RFC 2083)."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3)


def test_a_picture_tells_positive_negative_and_missing_values_apart() -> None:
    pixels = decoded(png(HeatMap(np.array([[0.0, 1.0, -1.0, np.nan]]), 1.0)))
    white, blue, red, grey = (pixels[12, 24 * place + 12].astype(int) for place in range(4))
    assert white.tolist() == [255, 255, 255]
    assert blue[2] > blue[0] + 80
    assert red[0] > red[2] + 80
    assert len(set(grey.tolist())) == 1
    assert grey[0] < 255
    assert decoded(png(HeatMap(np.zeros((6, 6)), 1.0, every=3))).shape == (6 * 24 + 4, 6 * 24 + 4, 3)


def test_the_lens_ends_with_what_the_model_says(inspect: Callable[..., str], tiny_model_folder: Path) -> None:
    ids = gpt2_tokenizer().encode(TEXT)
    with torch.no_grad():
        logprobs = load_model(tiny_model_folder)(torch.tensor([ids]))[0].log_softmax(-1)
    last = [row for row in objects(inspect(TEXT, "--json")) if row["layer"] == "L1"]
    assert [row["position"] for row in last] == list(range(len(ids)))
    for place, row in enumerate(last):
        assert row["top_probability"] == pytest.approx(float(logprobs[place].max().exp()), rel=1e-4)
        assert row["kl"] == 0
    assert last[2]["next"] == gpt2_tokenizer().piece(ids[3])
    assert last[2]["next_probability"] == pytest.approx(float(logprobs[2, ids[3]].exp()), rel=1e-4)
    assert last[-1]["next"] is None


def test_attention_from_a_token_adds_up_to_one(inspect: Callable[..., str]) -> None:
    rows = objects(inspect(TEXT, "--view", "attention", "--position", "4", "--layer", "1", "--head", "2", "--json"))
    assert [row["key"] for row in rows] == [0, 1, 2, 3, 4]
    assert {(row["layer"], row["head"], row["query"]) for row in rows} == {(1, 2, 4)}
    assert sum(row["weight"] for row in rows) == pytest.approx(1)


def test_shares_of_a_token_add_up_to_its_logit(inspect: Callable[..., str], tiny_model_folder: Path) -> None:
    rows = objects(inspect(TEXT, "--view", "attribution", "--token", " ran", "--other", " sat", "--json"))
    tokenizer = gpt2_tokenizer()
    with torch.no_grad():
        logits = load_model(tiny_model_folder)(torch.tensor([tokenizer.encode(TEXT)]))[0, -1]
    expected = float(logits[tokenizer.encode(" ran")[0]] - logits[tokenizer.encode(" sat")[0]])
    assert sum(row["share"] for row in rows) == pytest.approx(expected, abs=1e-3)


def test_parts_are_switched_off_here_or_everywhere(inspect: Callable[..., str]) -> None:
    arguments = (TEXT, "--view", "ablation", "--json")
    everywhere = {row["part"]: row["kl"] for row in objects(inspect(*arguments))}
    here = {row["part"]: row["kl"] for row in objects(inspect(*arguments, "--here"))}
    mean = {row["part"]: row["kl"] for row in objects(inspect(*arguments, "--replace", "mean"))}
    assert set(everywhere) == set(here) == {"L0 H0", "L0 H1", "L0 H2", "L0 MLP", "L1 H0", "L1 H1", "L1 H2", "L1 MLP"}
    assert everywhere["L0 MLP"] != here["L0 MLP"]
    assert everywhere["L1 MLP"] == pytest.approx(here["L1 MLP"], rel=1e-3)  # nothing behind it reads other tokens
    assert everywhere["L0 MLP"] != mean["L0 MLP"]


def test_a_neuron_is_looked_for_in_the_text(inspect: Callable[..., str]) -> None:
    rows = objects(inspect(TEXT, "--view", "neurons", "--layer", "1", "--neuron", "7", "--json"))
    assert len(rows) == len(gpt2_tokenizer().encode(TEXT))
    activations = [row["activation"] for row in rows]
    assert activations == sorted(activations, reverse=True)


def test_a_quantised_model_is_looked_into(inspect: Callable[..., str]) -> None:
    exact = objects(inspect(TEXT, "--view", "attribution", "--token", " ran", "--json"))
    rounded = objects(inspect(TEXT, "--view", "attribution", "--token", " ran", "--precision", "int8", "--json"))
    assert sum(row["share"] for row in exact) == pytest.approx(sum(row["share"] for row in rounded), abs=0.05)
    assert exact != rounded


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--view", "lens"], "The text is empty; give one, or - and a text on standard input."),
        (["x", "--view", "patching"], "Patching needs a second prompt; give one with --corrupted."),
        (["x", "--view", "neurons", "--png", "x.png"], "The view neurons is no map; use --csv or --json instead"),
        (["x", "--position", "1"], "--position must be a whole number from 0 to 0, not 1."),
        (["x", "--layer", "8"], "--layer must be a whole number from 0 to 7, not 8."),
        (["x", "--neuron", "3"], "--neuron needs the layer that it is in; give it with --layer."),
        (["x", "--token", "many words here"], "--token must be one token of the model; 'many words here' is 4."),
        (["x", "--view", "patching", "--corrupted", "a b"], "The prompts must have the same number of tokens"),
        (["x", "--png", "/nowhere/map.png"], "The picture cannot be written to /nowhere/map.png"),
        (["x", "--view", "soul"], "Argument --view: invalid choice: 'soul'"),
        (["x " * 600], "tokens, more than the model's context of 512; shorten it."),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", *arguments]) == 2
    output = capsys.readouterr()
    assert sentence in output.err
    assert output.out == ""


def test_the_command_offers_what_can_be_computed() -> None:
    from gptdesk.inference.inspection.views import VIEWS as COMPUTED

    assert list(VIEWS) == list(COMPUTED)
