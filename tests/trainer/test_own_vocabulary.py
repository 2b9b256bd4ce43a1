"""Data and models with a vocabulary of their own: prepare, train, evaluate."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.tokenizers.file_contents import character_files
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from tests.gpt2.tokenizers.folders import CORPUS, make_folder, write_json
from trainer.cli import main
from trainer.data.shards import PreparedData
from trainer.data.tokenizer import copy_tokenizer, open_tokenizer
from trainer.prepare import Progress, Request, WorkOptions, prepare
from trainer.prepare.progress import MERGE
from trainer.prepare.tokenizer_training.train import CHARACTER, TokenizerRequest, make_tokenizer

DOCUMENTS = [
    f"Chapter {i}. The mill by the river wasn't turning; {i * 7} geese – «grey» ones – slept." for i in range(120)
]
RUN = {
    "--model.n_layer": 1, "--model.n_head": 2, "--model.n_embd": 16, "--model.n_positions": 32,
    "--data.batch_size": 4, "--data.micro_batch_size": 4, "--schedule.steps": 4, "--schedule.warmup_steps": 1,
    "--run.eval_interval": 2, "--run.eval_tokens": 200, "--run.sample_tokens": 5, "--run.compile": "off",
    "--run.threads": 1, "--run.device": "cpu", "--run.precision": "float32",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, a tokenizer made from it, and both together as prepared data."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "text.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in DOCUMENTS), "utf-8")
    make_tokenizer(TokenizerRequest(sources=(str(folder / "text.jsonl"),), vocab_size=330), folder / "bpe")
    prepare(request_of(folder, tokenizer_folder=str(folder / "bpe"), validation_share=0.2), folder / "data")
    return folder


def request_of(place: Path, **over: Any) -> Request:
    return Request(**{"sources": (str(place / "text.jsonl"),), "unit_bytes": 2000} | over)


def train(data: Path, run: Path, **over: Any) -> int:
    flags = {"--data.path": data, "--out": run} | RUN | {f"--{key.replace('__', '.')}": v for key, v in over.items()}
    return main(["train", *(str(part) for pair in flags.items() for part in pair)])


def documents(folder: Path) -> list[list[int]]:
    """Token ids of every document of prepared data, the validation ones among them."""
    data = PreparedData.open(folder)
    found = []
    for split in ("train", "val"):
        tokens, starts = getattr(data, split), data.document_starts(split).tolist()
        for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
            found.append(tokens.read(start, end - start).tolist())
    return found


def test_prepared_data_holds_the_tokens_of_the_tokenizer_and_its_files(place: Path) -> None:
    tokenizer = open_tokenizer(place / "bpe")
    assert sorted(documents(place / "data")) == sorted([*tokenizer.encode(text), 329] for text in DOCUMENTS)
    named = json.loads((place / "data" / "manifest.json").read_text())["tokenizer"]
    assert named["sha256"] == tokenizer.sha256
    assert (named["vocab_size"], named["end_of_text"]) == (330, 329)
    assert PreparedData.open(place / "data").load_tokenizer().sha256 == tokenizer.sha256


def test_several_workers_give_the_same_data(place: Path, tmp_path: Path) -> None:
    request = request_of(place, tokenizer_folder=str(place / "bpe"), validation_share=0.2)
    prepare(request, tmp_path / "data", WorkOptions(workers=2))
    for name in ("manifest.json", "train-00000.bin", "val-00000.bin"):
        assert (tmp_path / "data" / name).read_bytes() == (place / "data" / name).read_bytes()


def test_a_folder_begun_with_another_tokenizer_is_refused(place: Path) -> None:
    with pytest.raises(UserError, match="was begun with other sources or settings"):
        prepare(request_of(place, validation_share=0.2), place / "data")


def test_a_character_without_a_token_is_named_with_its_file(place: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("abc", encoding="utf-8")
    make_tokenizer(TokenizerRequest(sources=(str(tmp_path / "plain.txt"),), kind=CHARACTER), tmp_path / "characters")
    request = request_of(place, tokenizer_folder=str(tmp_path / "characters"))
    with pytest.raises(UserError, match=r"text\.jsonl: The tokenizer has no token for 'C' \(U\+0043\)"):
        prepare(request, tmp_path / "data")


def test_a_large_vocabulary_takes_32_bits(tmp_path: Path) -> None:
    folder = tmp_path / "characters"
    folder.mkdir()
    for name, contents in character_files([chr(0x20000 + id) for id in range(70_000)]).items():
        (folder / name).write_bytes(contents)
    text = "".join(map(chr, range(0x20000 + 60_000, 0x20000 + 70_000, 5)))
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    request = Request(sources=(str(tmp_path / "text.txt"),), validation_share=0, tokenizer_folder=str(folder))
    prepare(request, tmp_path / "data")
    data = PreparedData.open(tmp_path / "data")
    assert data.train.shards[0].dtype == np.uint32
    assert data.train.read(0, len(data.train)).tolist() == [*range(60_000, 70_000, 5), 70_000]


def test_weights_repeat_and_sample_training_text_alone(place: Path, tmp_path: Path) -> None:
    others = [f"Another text, number {i}, of another source." for i in range(200)]
    (tmp_path / "other.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in others), "utf-8")
    sources = (str(place / "text.jsonl"), str(tmp_path / "other.jsonl"))
    request = Request(sources=sources, weights=(2.0, 0.5), validation_share=0.2, unit_bytes=2000)
    manifest = prepare(request, tmp_path / "data")
    data = PreparedData.open(tmp_path / "data")
    tokenizer = data.load_tokenizer()

    def count(split: str, start: str) -> dict[str, int]:
        tokens = getattr(data, split)
        texts = tokenizer.decode(tokens.read(0, len(tokens)).tolist()).split("<|endoftext|>")
        kept = [text for text in texts if text.startswith(start)]
        return {text: kept.count(text) for text in kept}

    held = count("val", "Chapter")
    assert held
    assert set(held.values()) == {1}
    twice = count("train", "Chapter")
    assert set(twice.values()) == {2}
    assert twice.keys() | held.keys() == set(DOCUMENTS)
    assert not twice.keys() & held.keys()
    half, held = count("train", "Another"), count("val", "Another")
    assert set(half.values()) == {1}
    assert len(half) == pytest.approx((len(others) - len(held)) / 2, abs=3)
    assert [source.get("weight", 1) for source in manifest["sources"]] == [2.0, 0.5]


def test_a_weighted_merge_goes_on_where_it_was_stopped(place: Path, tmp_path: Path) -> None:
    request = request_of(place, weights=(2.5,), validation_share=0.2, shard_tokens=1000)
    prepare(request, tmp_path / "undisturbed")
    shards = 0

    def stop(now: Progress) -> None:
        nonlocal shards
        shards += now.phase == MERGE
        if shards == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(request, tmp_path / "data", progress=stop)
    prepare(request, tmp_path / "data")
    files = sorted(path.name for path in (tmp_path / "undisturbed").glob("*.*") if path.suffix in (".bin", ".idx"))
    assert len(files) > 10
    for name in ("manifest.json", *files):
        assert (tmp_path / "data" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_weights_are_given_by_the_names_of_the_sources(place: Path, tmp_path: Path, capsys: Any) -> None:
    source = str(place / "text.jsonl")
    flags = ["prepare", source, "--workers", "1", "--out", str(tmp_path / "data")]
    assert main([*flags, "--weight", "other=2"]) == 2
    assert "none of the sources" in capsys.readouterr().err
    assert main([*flags, "--weight", f"{source}=much"]) == 2
    assert main([*flags, "--weight", f"{source}=-1"]) == 2
    assert main([*flags, "--weight", f"{source}=1.5"]) == 0


def test_a_trained_model_has_the_vocabulary_and_the_tokenizer_of_its_data(place: Path, tmp_path: Path) -> None:
    assert train(place / "data", tmp_path / "run") == 0
    checkpoint = max((tmp_path / "run" / "checkpoints").iterdir())
    model = load_model(checkpoint)
    assert model.config.vocab_size == 330
    own = open_tokenizer(place / "bpe")
    assert load_tokenizer(checkpoint, model.config).sha256 == own.sha256
    peer = AutoTokenizer.from_pretrained(checkpoint)
    assert peer(DOCUMENTS[0])["input_ids"] == own.encode(DOCUMENTS[0])
    assert peer.model_max_length == 32
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    final = next(event for event in events if event["ev"] == "final_eval")
    data = PreparedData.open(place / "data")
    scored = data.val.read(1, len(data.val) - 1).tolist()
    size = sum(len(own.token_bytes(id)) for id in scored if id != 329)
    bits = final["val_loss"] * final["tokens"] / size / math.log(2)
    assert final["tokens"] == len(scored)
    assert final["bits_per_byte"] == pytest.approx(bits)


def test_data_of_another_tokenizer_than_the_models_is_refused(place: Path, tmp_path: Path, capsys: Any) -> None:
    assert train(place / "data", tmp_path / "run") == 0
    prepare(request_of(place, validation_share=0.2), tmp_path / "gpt2")
    start = max((tmp_path / "run" / "checkpoints").iterdir())
    capsys.readouterr()
    assert train(tmp_path / "gpt2", tmp_path / "other", model__start=start) == 2
    said = capsys.readouterr().err
    assert "BPE of 330 tokens" in said
    assert "GPT-2's tokenizer" in said
    assert train(place / "data", tmp_path / "more", model__start=start) == 0


def test_evaluation_speaks_the_models_tokens_and_compares_by_bytes(place: Path, tmp_path: Path, capsys: Any) -> None:
    assert train(place / "data", tmp_path / "run") == 0
    (tmp_path / "text.txt").write_text(DOCUMENTS[0], encoding="utf-8")
    capsys.readouterr()
    flags = ["eval", str(tmp_path / "run"), "--text", str(tmp_path / "text.txt"), "--data", str(place / "data")]
    assert main([*flags, "--device", "cpu", "--json", str(tmp_path / "results.json")]) == 0
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    tokens = open_tokenizer(place / "bpe").encode(DOCUMENTS[0])
    found = {result["task"]: result for result in results}
    assert found["perplexity"]["counts"]["tokens"] == len(tokens)
    assert found["validation"]["metrics"]["bits_per_byte"] > 0
    prepare(request_of(place, validation_share=0.2), tmp_path / "gpt2")
    assert main(["eval", str(tmp_path / "run"), "--data", str(tmp_path / "gpt2"), "--device", "cpu"]) == 2
    assert "BPE of 330 tokens" in capsys.readouterr().err


def test_conversations_are_learnt_with_an_own_tokenizer_too(place: Path, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "How many geese?"}, {"role": "assistant", "content": "Seventeen."}]
    (tmp_path / "chat.jsonl").write_text((json.dumps({"messages": turns}) + "\n") * 80, encoding="utf-8")
    request = Request(sources=(str(tmp_path / "chat.jsonl"),), tokenizer_folder=str(place / "bpe"), validation_share=0)
    prepare(request, tmp_path / "data")
    data = PreparedData.open(tmp_path / "data")
    start, end = data.document_starts("train")[:2].tolist()
    learnt = data.train.read_weights(start, end - start)
    assert learnt is not None
    text = data.load_tokenizer().decode(data.train.read(start, end - start)[learnt].tolist())
    assert "Seventeen" in text
    assert "geese" not in text


def test_the_class_that_only_the_models_config_names_goes_with_the_files(tmp_path: Path) -> None:
    """Chinese GPT-2s name it there; without it, transformers reads their words as GPT-2's tokens."""
    source = make_folder(tmp_path / "model", "word_pieces")
    write_json(source / "tokenizer_config.json", {"do_lower_case": False})
    config = {"model_type": "gpt2", "tokenizer_class": "BertTokenizer", "vocab_size": 500, "eos_token_id": 3}
    write_json(source / "config.json", config)
    copy_tokenizer(source, tmp_path / "copy")
    write_json(tmp_path / "copy" / "config.json", {"model_type": "gpt2"})
    ours, theirs = open_tokenizer(tmp_path / "copy"), AutoTokenizer.from_pretrained(tmp_path / "copy")
    assert ours.sha256 == open_tokenizer(source).sha256
    assert ours.end_ids == (3,)
    for line in CORPUS:
        assert ours.encode(line) == theirs(line, add_special_tokens=False)["input_ids"]


def test_nothing_of_a_tokenizer_stays_where_preparing_failed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps({"text": "x"}) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="nothing to hold out"):
        prepare(Request(sources=(str(tmp_path / "one.jsonl"),), tokenizer_folder=str(place / "bpe")), tmp_path / "data")
    assert not (tmp_path / "data" / "tokenizer").exists()


def test_a_model_starts_with_the_rows_of_its_vocabulary(place: Path, tmp_path: Path) -> None:
    assert train(place / "data", tmp_path / "run", model__vocab_multiple=128) == 0
    model = load_model(max((tmp_path / "run" / "checkpoints").iterdir()))
    assert torch.isfinite(model.wte.weight).all()
    assert model.wte.weight.shape[0] == 330, "padding is for training alone"
