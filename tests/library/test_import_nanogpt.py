"""Checkpoints of nanoGPT with a vocabulary of characters, as its data/shakespeare_char makes them."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.library.import_ import import_model, look_at
from tests.gpt2.tokenizers.folders import make_folder
from tests.library.conftest import everything

CHARACTERS = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
META: dict[str, Any] = {
    "vocab_size": len(CHARACTERS),
    "itos": dict(enumerate(CHARACTERS)),
    "stoi": {character: id for id, character in enumerate(CHARACTERS)},
}
TEXT = "KING: What, ho!\nWho's there?"


def write_meta(path: Path, meta: Any, protocol: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(meta, protocol))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """``out-shakespeare-char/ckpt.pt`` of nanoGPT's train.py, without its vocabulary."""
    return write_checkpoint(tmp_path / "nanoGPT" / "out-shakespeare-char", len(CHARACTERS))


def write_checkpoint(folder: Path, vocab_size: int) -> Path:
    import torch

    from gptdesk.gpt2.config import GPT2Config
    from gptdesk.gpt2.model import GPT2

    model = GPT2(GPT2Config(vocab_size=vocab_size, n_positions=32, n_embd=16, n_layer=2, n_head=2, bias=False))
    model.init_weights(torch.Generator().manual_seed(3))
    arguments = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 32, "bias": False, "vocab_size": vocab_size}
    state = {name if name == "lm_head.weight" else f"transformer.{name}": w for name, w in model.state_dict().items()}
    folder.mkdir(parents=True)
    config = {"dataset": "shakespeare_char"}
    torch.save({"model": state, "model_args": arguments, "iter_num": 5, "config": config}, folder / "ckpt.pt")
    return folder / "ckpt.pt"


def check(folders: Folders, checkpoint: Path) -> None:
    """It is imported whole: the weights, and a tokenizer that ours and transformers' agree on with nanoGPT's."""
    import torch
    from transformers import AutoTokenizer, GPT2LMHeadModel

    from gptdesk.gpt2.checkpoint import load_model
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.sampling.settings import DecodingSettings

    entry = import_model(folders, checkpoint)
    assert entry.path is not None
    assert entry.config is not None
    expected = [META["stoi"][character] for character in TEXT]
    ours = load_tokenizer(entry.path, entry.config)
    assert ours.encode(TEXT) == expected
    assert ours.vocab_size == len(CHARACTERS)
    assert ours.end_of_text is None
    theirs = AutoTokenizer.from_pretrained(entry.path)
    assert theirs.encode(TEXT) == expected
    assert theirs.decode(expected) == TEXT
    stored = torch.load(checkpoint, weights_only=True)["model"]
    model = load_model(entry.path)
    assert torch.equal(model.wte.weight, stored["transformer.wte.weight"])
    ids = torch.tensor([expected])
    with torch.no_grad():
        logits = GPT2LMHeadModel.from_pretrained(entry.path)(ids).logits
        torch.testing.assert_close(model(ids), logits, rtol=0, atol=1e-4)
    settings = DecodingSettings(max_tokens=4, seed=1)
    texts = [getattr(event, "text", "") for event in Engine(model, ours).generate(TEXT, settings)]
    assert set("".join(texts)) <= set(CHARACTERS)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_characters_come_from_meta_pkl_beside_the_checkpoint(checkpoint: Path, folders: Folders, protocol: int) -> None:
    write_meta(checkpoint.with_name("meta.pkl"), META, protocol)
    check(folders, checkpoint)


def test_characters_come_from_nanogpts_folder_of_data(checkpoint: Path, folders: Folders) -> None:
    write_meta(checkpoint.parents[1] / "data" / "shakespeare_char" / "meta.pkl", META)
    check(folders, checkpoint)


def test_a_tokenizer_beside_the_checkpoint_serves_as_well(folders: Folders, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", "small")
    expected = load_tokenizer(source, read_config(source))
    file = write_checkpoint(tmp_path / "out", expected.vocab_size)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(source / name, file.parent)
    entry = import_model(folders, file)
    assert entry.path is not None
    assert entry.config is not None
    assert load_tokenizer(entry.path, entry.config).encode(TEXT) == expected.encode(TEXT)


def test_without_its_vocabulary_the_missing_file_is_named(checkpoint: Path, folders: Folders) -> None:
    assert look_at(folders, checkpoint.parent).converted
    with pytest.raises(UserError) as refused:
        import_model(folders, checkpoint.parent)
    assert "has a vocabulary of 65 tokens of its own, and meta.pkl, which names them, is not" in str(refused.value)
    assert "data/shakespeare_char" in str(refused.value)
    assert everything(folders.models) == []


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("was-run",)


SPOILED = {
    "code": (pickle.dumps({"itos": Evil()}), "such files can run code"),
    "code, protocol 0": (pickle.dumps({"itos": Evil()}, 0), "such files can run code"),
    "an endless memo": (b"\x80\x02}r\xff\xff\xff\x7f.", "such files can run code"),
    "cut short": (pickle.dumps(META)[:200], "is damaged"),
    "no pickle": (b"characters", "is damaged"),
    "a list": (pickle.dumps([1, 2]), "has no characters by id"),
    "no characters": (pickle.dumps({"itos": {0: 1}}), "has no characters by id"),
    "another vocabulary": (pickle.dumps({"itos": {0: "a", 1: "b"}}), "names 2 tokens, and the model has 65"),
    "words": (pickle.dumps({"itos": META["itos"] | {5: "word"}}), "not one character each"),
    "one character twice": (pickle.dumps({"itos": META["itos"] | {5: "a"}}), "not one character each"),
    "half a character": (pickle.dumps({"itos": META["itos"] | {5: "\ud800"}}), "not one character each"),
    "too large": (b"\0" * (5 << 20), "is larger than 4 MB"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_vocabulary_is_refused_and_nothing_in_it_is_run(
    checkpoint: Path, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    contents, said = SPOILED[what]
    monkeypatch.chdir(tmp_path)
    checkpoint.with_name("meta.pkl").write_bytes(contents)
    with pytest.raises(UserError, match=said):
        import_model(folders, checkpoint)
    assert not (tmp_path / "was-run").exists()
    assert everything(folders.models) == []


def test_a_vocabulary_that_is_a_link_out_of_the_folder_is_refused(
    checkpoint: Path, folders: Folders, tmp_path: Path
) -> None:
    write_meta(tmp_path / "meta.pkl", META)
    checkpoint.with_name("meta.pkl").symlink_to(tmp_path / "meta.pkl")
    with pytest.raises(UserError, match=r"is a link to .*, outside of the folder"):
        import_model(folders, checkpoint.parent)
