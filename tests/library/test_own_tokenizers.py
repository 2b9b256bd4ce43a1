"""Models with tokens of their own on their way through import, export and GGUF."""

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.inference.engine import Engine
from gptdesk.inference.events import DoneEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.exporting.export import export_folder, export_gguf
from gptdesk.library.import_ import import_model
from tests.gpt2.tokenizers.folders import CORPUS, make_folder, write_json
from tests.library.conftest import everything

Maker = Callable[..., Path]


@pytest.fixture
def make_model(tmp_path: Path) -> Maker:
    """A small model with the tokenizer of that name, and some rows of padding."""

    def make(name: str, padding: int = 0) -> Path:
        folder = make_folder(tmp_path / "made" / name, name)
        config = read_config(folder)
        small = GPT2Config(vocab_size=config.vocab_size + padding, n_positions=64, n_embd=8, n_layer=1, n_head=1)
        save_model(GPT2(small), folder)
        return folder

    return make


def auto_ids(folder: Path, text: str, **arguments: Any) -> list[int]:
    from transformers import AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = AutoTokenizer.from_pretrained(folder, **arguments)
    ids: list[int] = theirs(text, add_special_tokens=False)["input_ids"]
    return ids


@pytest.mark.parametrize("name", ["pair", "decoder", "word_pieces", "unigram"])
def test_import_and_export_carry_the_tokenizer(make_model: Maker, folders: Folders, tmp_path: Path, name: str) -> None:
    source = make_model(name, padding=7)
    expected = load_tokenizer(source, read_config(source))
    entry = import_model(folders, source)
    export_folder(entry, tmp_path / "out")
    ours = load_tokenizer(tmp_path / "out", read_config(tmp_path / "out"))
    assert ours.sha256 == expected.sha256
    for line in CORPUS:
        assert auto_ids(tmp_path / "out", line) == ours.encode(line) == expected.encode(line)


@pytest.mark.parametrize("name", ["pair", "small"])
def test_a_gguf_has_the_models_own_tokens(make_model: Maker, folders: Folders, tmp_path: Path, name: str) -> None:
    entry = import_model(folders, make_model(name, padding=3))
    assert entry.path is not None
    ours = load_tokenizer(entry.path, read_config(entry.path))
    out = tmp_path / "out"
    out.mkdir()
    export_gguf(entry, out / "model.gguf")
    write_json(out / "config.json", {"model_type": "gpt2"})
    for line in CORPUS:
        assert auto_ids(out, line, gguf_file="model.gguf") == ours.encode(line)


def test_a_gguf_says_which_tokens_are_special_added_and_unused(
    make_model: Maker, folders: Folders, tmp_path: Path
) -> None:
    import gguf

    entry = import_model(folders, make_model("decoder", padding=3))
    assert entry.path is not None
    ours = load_tokenizer(entry.path, read_config(entry.path))
    export_gguf(entry, tmp_path / "model.gguf")
    fields = gguf.GGUFReader(tmp_path / "model.gguf").fields
    kinds = fields["tokenizer.ggml.token_type"].contents()
    assert {id for id, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL} == set(ours.special_tokens.values())
    names = fields["tokenizer.ggml.tokens"].contents()
    added = {names[id] for id, kind in enumerate(kinds) if kind == gguf.TokenType.USER_DEFINED}
    assert added == {"Königstochter", "猫である"}
    assert kinds[-3:] == [gguf.TokenType.UNUSED] * 3
    assert fields["tokenizer.ggml.eos_token_id"].contents() == ours.end_of_text == 0


@pytest.mark.parametrize("name", ["word_pieces", "unigram", "words", "characters"])
def test_a_tokenizer_without_a_form_in_gguf_is_refused(
    make_model: Maker, folders: Folders, tmp_path: Path, name: str
) -> None:
    entry = import_model(folders, make_model(name))
    with pytest.raises(UserError, match=f"{name} has a tokenizer for which a GGUF of GPT-2 has no form"):
        export_gguf(entry, tmp_path / "model.gguf")
    assert not (tmp_path / "model.gguf").exists()


def test_a_tokenizer_of_another_model_is_not_imported(make_model: Maker, folders: Folders, tmp_path: Path) -> None:
    source = make_model("small")
    other = make_folder(tmp_path / "other", "own")
    for file in source.glob("*.txt"):
        file.unlink()
    shutil.copy(other / "tokenizer.json", source)
    with pytest.raises(UserError, match=r"has 600 tokens, but the model .* has rows for 283: .* has none"):
        import_model(folders, source)
    assert everything(folders.models) == []


def test_a_folder_without_a_tokenizer_says_which_files_are_missing(make_model: Maker) -> None:
    source = make_model("small")
    for file in ("vocab.json", "merges.txt"):
        (source / file).unlink()
    with pytest.raises(UserError, match=r"283 tokens, too few .*: put its tokenizer\.json, or vocab\.json and mer"):
        Engine.load(source, device="cpu")


def test_a_model_stops_at_any_of_its_ends(make_model: Maker) -> None:
    """One of the ids that ``generation_config.json`` names ends the text, though the tokenizer names another."""
    source = make_model("small", padding=2)
    write_json(source / "generation_config.json", {"bos_token_id": 5, "eos_token_id": [7, 281, 50256]})
    engine = Engine.load(source, device="cpu")
    assert (engine.tokenizer.end_ids, engine.tokenizer.start_of_text) == ((7, 281), 5)
    settings = replace(DecodingSettings(), logit_bias={281: 100.0}, max_tokens=5)
    done = next(event for event in engine.generate("ab", settings) if isinstance(event, DoneEvent))
    assert (done.finish_reason, done.completion_tokens) == ("end_of_text", 0)


def test_padding_is_never_written(make_model: Maker) -> None:
    engine = Engine.load(make_model("small", padding=50), device="cpu")
    assert engine.vocab_size == 283
    with pytest.raises(UserError, match="knows only 0 to 282"):
        list(engine.generate([300], DecodingSettings()))


@pytest.mark.parametrize("vocabulary", ["spiece.model", "sentencepiece.bpe.model", "tokenizer.model"])
def test_a_vocabulary_in_another_form_is_not_replaced_by_openais(
    folders: Folders, tmp_path: Path, tiny_model_folder: Path, vocabulary: str
) -> None:
    source = shutil.copytree(tiny_model_folder, tmp_path / "japanese")
    (source / vocabulary).write_bytes(b"\n\x05\n\x01a")
    for path in (source, source / "model.safetensors"):
        with pytest.raises(UserError, match=f"The tokenizer of .*japanese .{vocabulary}. has a form that cannot be"):
            import_model(folders, path)
    assert everything(folders.models) == []
    with_another = make_folder(tmp_path / "saved", "gpt2")
    shutil.copy(with_another / "tokenizer.json", source)
    assert import_model(folders, source).state == "ready"
