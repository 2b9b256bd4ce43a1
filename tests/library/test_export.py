"""Models for other programs: what transformers reads of our folders and our GGUF files."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.activations import ACTIVATIONS, Activation
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.gpt2.vocabulary import gpt2_vocabulary
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.exporting.export import export_folder, export_gguf, gguf_name
from gptdesk.library.import_ import import_model
from gptdesk.library.library import Library
from gptdesk.library.verify import verify
from tests.gpt2.tokenizers.folders import make_folder
from tests.library.conftest import TOKENIZER, everything

IDS = [[464, 3290, 318, 257, 922, 3290]]


@pytest.fixture
def entry(tiny_model_folder: Path, folders: Folders) -> LibraryEntry:
    return import_model(folders, tiny_model_folder, name="mine")


def logits(folder: Path, **arguments: Any) -> Any:
    import torch
    from transformers import GPT2LMHeadModel

    with torch.no_grad():
        return GPT2LMHeadModel.from_pretrained(folder, **arguments)(torch.tensor(IDS)).logits


def test_a_folder_is_what_transformers_reads(entry: LibraryEntry, tiny_model_folder: Path, tmp_path: Path) -> None:
    import torch

    told: list[tuple[int, int]] = []
    export_folder(entry, tmp_path / "new" / "model", lambda done, total: told.append((done, total)))
    names = ["config.json", "model.safetensors", *TOKENIZER]
    assert everything(tmp_path / "new") == ["model", *sorted(f"model/{name}" for name in names)]
    assert torch.equal(logits(tmp_path / "new" / "model"), logits(tiny_model_folder))
    assert told[-1][0] == told[-1][1]
    with pytest.raises(UserError, match="is there already"):
        export_folder(entry, tmp_path / "new" / "model")


def test_a_tokenizer_that_the_model_brought_is_kept(tiny_model_folder: Path, folders: Folders, tmp_path: Path) -> None:
    """Imported, exported, and verified on the way; nothing of OpenAI's is mixed in."""
    own = tmp_path / "own"
    shutil.copytree(make_folder(tmp_path / "made", "own"), own)
    shutil.copytree(tiny_model_folder, own, dirs_exist_ok=True)
    mine = (own / "tokenizer.json").read_text()
    entry = import_model(folders, own)
    export_folder(entry, tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").read_text() == mine
    assert not (tmp_path / "out" / "vocab.json").exists()
    assert entry.path is not None
    (entry.path / "tokenizer.json").write_text(mine.replace("B", "b"))
    assert verify(entry).sentence.startswith("tokenizer.json of own is damaged")


@pytest.mark.parametrize("export", [export_folder, export_gguf])
def test_what_the_progress_raises_ends_it_and_leaves_nothing(entry: LibraryEntry, tmp_path: Path, export: Any) -> None:
    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(entry, tmp_path / "there" / "x.gguf", progress=cancel)
    assert everything(tmp_path / "there") == []


def test_a_gguf_is_what_transformers_computes_the_same_with(folders: Folders, tmp_path: Path) -> None:
    """It undoes what llama.cpp's own converter does. The model has no biases, which llama.cpp wants all the same."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    entry = Library(folders).entry("stories")
    assert entry.path is not None
    file = export_gguf(entry, tmp_path / "stories.gguf", precision="float32")
    assert everything(tmp_path)[-1] == "stories.gguf"
    model = GPT2LMHeadModel.from_pretrained(entry.path, dtype=torch.float32)
    with torch.no_grad():
        expected = model(torch.tensor(IDS)).logits
        found = load_gguf_checkpoint(file, return_tensors=True, model_to_load=model)
        config = found["config"]
        other = GPT2LMHeadModel(GPT2Config(**config | {"n_positions": config["n_ctx"]}))
        missing = other.load_state_dict(found["tensors"], strict=False)
        other.tie_weights()
        assert (missing.missing_keys, missing.unexpected_keys) == (["lm_head.weight"], [])
        assert torch.allclose(other.eval()(torch.tensor(IDS)).logits, expected, atol=1e-4)
    assert (config["n_layer"], config["n_head"], config["n_ctx"], config["n_embd"]) == (8, 6, 512, 192)
    described = json.loads((entry.path / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    assert found["tokenizer"]["tokens"] == sorted(described["vocab"], key=described["vocab"].__getitem__)
    assert found["tokenizer"]["merges"] == [" ".join(pair) for pair in described["merges"]]
    header = file.read_bytes()[:5_000_000]
    for key in ("gpt2.feed_forward_length", "tokenizer.ggml.pre", "general.file_type", "tokenizer.ggml.token_type"):
        assert key.encode() in header, "llama.cpp asks for it"


@pytest.fixture
def variant(tiny_config: GPT2Config, folders: Folders, tmp_path: Path) -> Callable[..., LibraryEntry]:
    """Imports a small model whose config has those changes."""
    import torch
    from transformers import GPT2Config as TheirConfig
    from transformers import GPT2LMHeadModel

    def make(**changes: Any) -> LibraryEntry:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = GPT2LMHeadModel(TheirConfig(**tiny_config.to_json() | changes))
            with torch.no_grad():
                for block in model.transformer.h:
                    block.attn.c_attn.weight.normal_(std=0.3)
                    block.attn.c_attn.bias.normal_(std=0.3)
        model.save_pretrained(tmp_path / "variant")
        return import_model(folders, tmp_path / "variant")

    return make


@pytest.mark.parametrize(
    "changes",
    [{"scale_attn_weights": False}, {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}],
    ids=["unscaled attention", "scaled by layer"],
)
def test_a_gguf_of_a_model_with_other_scales_computes_the_same(
    variant: Callable[..., LibraryEntry], tmp_path: Path, changes: dict[str, Any]
) -> None:
    """llama.cpp divides scores by the root of the head size alone; the rest is in the weights."""
    import torch
    from transformers import GPT2Config as TheirConfig
    from transformers import GPT2LMHeadModel
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    entry = variant(**changes)
    assert entry.path is not None
    file = export_gguf(entry, tmp_path / "model.gguf", precision="float32")
    model = GPT2LMHeadModel.from_pretrained(entry.path)
    assert entry.config is not None
    usual = replace(entry.config, scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False)
    plain = GPT2LMHeadModel(TheirConfig(**usual.to_json()))
    with torch.no_grad():
        found = load_gguf_checkpoint(file, return_tensors=True, model_to_load=model)
        plain.load_state_dict(found["tensors"], strict=False)
        plain.tie_weights()
        assert torch.allclose(plain.eval()(torch.tensor(IDS)).logits, logits(entry.path), atol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.names[0])
def test_an_activation_that_llama_cpp_does_not_compute_is_refused(
    variant: Callable[..., LibraryEntry], tmp_path: Path, activation: Activation
) -> None:
    entry, target = variant(activation_function=activation.names[-1]), tmp_path / "model.gguf"
    if activation.in_llama_cpp:
        assert export_gguf(entry, target).exists()
    else:
        with pytest.raises(UserError, match=rf"has the activation {activation.names[-1]}, and llama\.cpp's GPT-2"):
            export_gguf(entry, target)
        assert not target.exists()


def test_a_gguf_in_half_precision_is_half_as_large(entry: LibraryEntry, tmp_path: Path) -> None:
    large, small = tmp_path / "large.gguf", tmp_path / "small.gguf"
    export_gguf(entry, large, precision="float32")
    export_gguf(entry, small)
    assert entry.config is not None
    matrices = entry.config.num_parameters() - 64 * 48
    assert large.stat().st_size - small.stat().st_size == pytest.approx(2 * matrices, rel=0.01)


def test_names_are_those_of_llama_cpp() -> None:
    assert gguf_name("h.11.mlp.c_proj.weight") == "blk.11.ffn_down.weight"
    assert gguf_name("ln_f.bias") == "output_norm.bias"
    assert gguf_name("lm_head.weight") == "output.weight"


def test_the_vocabulary_is_openais() -> None:
    """Their first merges, and the whole table by what transformers' tokenizer makes of it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens, merges = gpt2_vocabulary()
    assert len(tokens) == 50257
    assert merges[:4] == ("Ġ t", "Ġ a", "h e", "i n")
    assert len(merges) == 50000
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = Tokenizer(models.BPE({token: id for id, token in enumerate(tokens)}, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    text = "The naïve café's 12,345 tokens — 東京, 🙂\n\tdef f(x):   return x"
    assert tokenizer.encode(text).ids == gpt2_tokenizer().encode(text)


def test_what_gguf_cannot_hold_is_refused(entry: LibraryEntry, tmp_path: Path, folders: Folders) -> None:
    with pytest.raises(UserError, match="cannot be written in 'int4'"):
        export_gguf(entry, tmp_path / "x.gguf", precision="int4")
    with pytest.raises(UserError, match="is not on this computer; download it first"):
        export_gguf(Library(folders).entry("gpt2"), tmp_path / "x.gguf")
