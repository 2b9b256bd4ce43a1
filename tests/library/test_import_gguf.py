"""GGUF files of GPT-2: those that we export, and those that other converters and quantisers write."""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import tensor_shapes
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.library.exporting.export import export_gguf, gguf_name
from gptdesk.library.import_ import import_model, look_at
from gptdesk.library.verify import verify
from tests.library.conftest import TOKENIZER, check_progress_and_cancelling, everything
from tests.library.tensorflow_checkpoint.make import MERGES, encoder

gguf = pytest.importorskip("gguf")

CONFIG = GPT2Config(vocab_size=272, n_positions=16, n_embd=64, n_head=2, n_layer=2, n_inner=96)
"""Widths that quantisers cut into blocks of 32; two rows of the vocabulary are padding."""

TYPES = ("F32", "F16", "BF16", "Q8_0", "Q4_0")
FULL = {"general.architecture": "gpt2"}


def random_weights(config: GPT2Config) -> dict[str, Any]:
    import numpy as np

    generator = np.random.RandomState(0)
    return {name: generator.standard_normal(shape).astype("f4") / 4 for name, shape in tensor_shapes(config).items()}


def write_gguf(path: Path, weights: dict[str, Any], kind: str = "F32", **changes: Any) -> dict[str, Any]:
    """Writes a file as llama.cpp's converter does; returns the weights as they are in it, by our names."""
    tokens = encoder()
    settings: dict[str, Any] = {
        "arch": "gpt2", "block_count": CONFIG.n_layer, "head_count": CONFIG.n_head, "pre": "gpt-2", "model": "gpt2",
        "tokens": [*tokens, "<|user|>", "[PAD271]"], "types": [1] * 269 + [3, 4, 5], "eos": 269,
    } | changes  # fmt: skip
    writer = gguf.GGUFWriter(path, settings["arch"])
    writer.add_block_count(settings["block_count"])
    writer.add_context_length(CONFIG.n_positions)
    writer.add_embedding_length(CONFIG.n_embd)
    writer.add_feed_forward_length(CONFIG.inner_size)
    if settings["head_count"]:
        writer.add_head_count(settings["head_count"])
    writer.add_layer_norm_eps(3e-5)
    if settings["model"]:
        writer.add_tokenizer_model(settings["model"])
        writer.add_tokenizer_pre(settings["pre"])
        writer.add_token_list(settings["tokens"])
        writer.add_token_types(settings["types"])
        writer.add_token_merges(MERGES)
        writer.add_bos_token_id(settings["eos"])
        writer.add_eos_token_id(settings["eos"])
    stored = {}
    for name, weight in weights.items():
        if weight.dtype == "int32":
            writer.add_tensor(gguf_name(name), weight)
            continue
        quantised = gguf.GGMLQuantizationType[kind if weight.ndim == 2 and name != "wpe.weight" else "F32"]
        data = gguf.quantize(weight, quantised)
        stored[name] = gguf.dequantize(data, quantised)
        writer.add_tensor(gguf_name(name), data, raw_dtype=quantised)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return stored


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound file to spoil."""
    write_gguf(tmp_path / "tiny-F32.gguf", random_weights(CONFIG))
    return tmp_path / "tiny-F32.gguf"


def weights_of(folder: Path) -> dict[str, Any]:
    from gptdesk.gpt2.checkpoint import load_model

    return {name: weight.detach().numpy() for name, weight in load_model(folder).named_parameters()}


@pytest.mark.parametrize("kind", TYPES)
def test_weights_of_every_type_are_what_the_package_makes_of_them(tmp_path: Path, folders: Folders, kind: str) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import GPT2LMHeadModel

    from gptdesk.gpt2.checkpoint import load_model

    stored = write_gguf(tmp_path / "x.gguf", random_weights(CONFIG), kind)
    entry = import_model(folders, tmp_path / "x.gguf")
    assert entry.path is not None
    assert entry.config is not None
    assert (entry.config.layer_norm_epsilon, entry.config.inner_size, entry.config.n_head) == (3e-5, 96, 2)
    found = weights_of(entry.path)
    assert {name: weight.tobytes() for name, weight in found.items()} == {
        name: weight.astype("f4").tobytes() for name, weight in stored.items()
    }
    kept = {"F16": torch.float16, "BF16": torch.bfloat16}.get(kind, torch.float32)
    dtypes = {name: tensor.dtype for name, tensor in load_file(entry.path / "model.safetensors").items()}
    assert dtypes["transformer.h.0.mlp.c_fc.weight"] == dtypes["transformer.wte.weight"] == kept
    assert dtypes["transformer.wpe.weight"] == dtypes["transformer.ln_f.bias"] == torch.float32
    ids = torch.tensor([[84, 258, 269, 10, 200]])
    with torch.no_grad():
        theirs = GPT2LMHeadModel.from_pretrained(entry.path, dtype=torch.float32)(ids).logits
        torch.testing.assert_close(load_model(entry.path)(ids), theirs, rtol=0, atol=1e-4)


def test_what_we_export_comes_back(tiny_model_folder: Path, folders: Folders, tmp_path: Path) -> None:
    """In half precision, in which what is not halved is float32 as it was."""
    import numpy as np

    entry = import_model(folders, tiny_model_folder, name="mine")
    export_gguf(entry, tmp_path / "model.gguf", precision="float16")
    back = import_model(folders, tmp_path / "model.gguf")
    assert (back.name, back.config) == (tmp_path.name, entry.config)
    assert set(back.sha256) == {"config.json", "model.safetensors", *TOKENIZER}
    assert verify(back).ok
    assert back.path is not None
    assert entry.path is not None
    ours, theirs = weights_of(entry.path), weights_of(back.path)
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        halved = weight.ndim == 2 and name != "wpe.weight"
        assert np.array_equal(theirs[name], weight.astype("f2").astype("f4") if halved else weight)
    for name in set(TOKENIZER) - {"generation_config.json"}:  # ours has fewer lines than that of transformers
        assert (back.path / name).read_bytes() == (entry.path / name).read_bytes()


def test_a_vocabulary_of_its_own_comes_back_from_our_export(file: Path, folders: Folders, tmp_path: Path) -> None:
    first = import_model(folders, file)
    export_gguf(first, tmp_path / "again.gguf", precision="float32")
    second = import_model(folders, tmp_path / "again.gguf")
    assert first.path is not None
    assert first.config is not None
    assert second.path is not None
    assert second.config == first.config
    tokenizers = [load_tokenizer(path, first.config) for path in (first.path, second.path)]
    text = "<|user|>on the other hand é\n<|endoftext|>"
    ids = [tokenizer.encode(text, allow_special=True) for tokenizer in tokenizers]
    assert ids[0] == ids[1]
    assert ids[0][0] == 270
    assert tokenizers[0].end_of_text == tokenizers[1].end_of_text
    assert weights_of(first.path).keys() == weights_of(second.path).keys()


def test_its_tokenizer_comes_with_added_and_special_tokens(file: Path, folders: Folders) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    entry = import_model(folders, file)
    assert entry.path is not None
    tokenizer = AutoTokenizer.from_pretrained(entry.path)
    text = "<|user|>on the other hand é\n<|endoftext|>"
    ids = tokenizer.encode(text)
    assert (ids[0], ids[-1]) == (270, 269)
    assert encoder()["Ġthe"] in ids
    assert tokenizer.decode(ids) == text
    assert len(tokenizer) == 271
    assert entry.config is not None
    ours = load_tokenizer(entry.path, entry.config)
    assert ours.encode(text, allow_special=True) == ids
    assert ours.end_of_text == 269
    assert (tokenizer.eos_token_id, tokenizer.all_special_ids) == (269, [269])
    assert GenerationConfig.from_pretrained(entry.path).eos_token_id == 269


def test_a_head_that_is_stored_and_the_embedding_once_more_stays_tied(tmp_path: Path, folders: Folders) -> None:
    """As converters before 2024 wrote it; one that differs is kept."""
    from dataclasses import replace

    weights = random_weights(CONFIG)
    write_gguf(tmp_path / "old.gguf", weights | {"lm_head.weight": weights["wte.weight"]})
    old = import_model(folders, tmp_path / "old.gguf")
    assert old.config == replace(CONFIG, layer_norm_epsilon=3e-5)
    write_gguf(tmp_path / "own.gguf", weights | {"lm_head.weight": weights["wte.weight"][::-1]})
    own = import_model(folders, tmp_path / "own.gguf")
    assert own.config == replace(CONFIG, layer_norm_epsilon=3e-5, tie_word_embeddings=False)


def test_a_folder_with_one_file_is_imported_and_with_several_asks_for_one(file: Path, folders: Folders) -> None:
    folder = file.parent / "models here"
    folder.mkdir()
    shutil.move(file, folder)
    found = look_at(folders, folder)
    assert (found.name, found.converted, found.linkable) == ("models here", True, False)
    assert look_at(folders, folder / file.name).name == "tiny-F32"
    shutil.copy(folder / file.name, folder / "tiny-Q8_0.gguf")
    with pytest.raises(UserError, match=r"holds 2 GGUF files; choose one of them, such as tiny-F32\.gguf"):
        look_at(folders, folder)


SPOILED: list[tuple[str, Callable[[Path], object], str]] = [
    ("another architecture", lambda p: write_gguf(p, random_weights(CONFIG), arch="llama"),
     "of the architecture 'llama'; only GPT-2"),
    ("a shape that is not said", lambda p: write_gguf(p, random_weights(CONFIG), head_count=0),
     r"does not say attention\.head_count"),
    ("layers that are missing", lambda p: write_gguf(p, random_weights(CONFIG), block_count=3), r"incomplete: h\.2\."),
    ("layers too many", lambda p: write_gguf(p, random_weights(CONFIG), block_count=1), "are not a GPT-2"),
    ("heads that do not divide", lambda p: write_gguf(p, random_weights(CONFIG), head_count=3), "must be a multiple"),
    ("a type without values", lambda p: write_gguf(p, random_weights(CONFIG) | {"ln_f.bias": whole_numbers()}),
     "as I32, which is not supported"),
    ("another tokenizer", lambda p: write_gguf(p, random_weights(CONFIG), model="llama"),
     "tokenizer of the kind 'llama'"),
    ("another cut of words", lambda p: write_gguf(p, random_weights(CONFIG), pre="qwen2"), "of the kind 'qwen2'"),
    ("tokens twice", lambda p: write_gguf(p, random_weights(CONFIG), tokens=["a"] * 272),
     "two of its tokens are the same"),
    ("half of it", lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "is damaged or cut short"),
    ("its last bytes missing", lambda p: p.write_bytes(p.read_bytes()[:-100]), "is damaged or cut short"),
    ("its beginning alone", lambda p: p.write_bytes(p.read_bytes()[:30]), "is damaged or cut short"),
    ("nothing", lambda p: p.write_bytes(b""), "or no GGUF file"),
    ("something else", lambda p: p.write_text("hello, this is text"), "or no GGUF file"),
    ("a pointer", lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"), "run git lfs pull"),
]  # fmt: skip


def whole_numbers() -> Any:
    import numpy as np

    return np.zeros(CONFIG.n_embd, np.int32)


@pytest.mark.parametrize(("spoil", "sentence"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED])
def test_what_cannot_be_used_is_refused_and_nothing_is_left(
    file: Path, folders: Folders, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(file)
    with pytest.raises(UserError, match=sentence):
        import_model(folders, file)
    assert not folders.models.exists() or everything(folders.models) == []


def test_a_damaged_description_is_read_or_gets_a_sentence_and_none_runs_on(file: Path, folders: Folders) -> None:
    """Lengths of 2**63 among them, over which the package alone would count for years."""
    whole, pick = file.read_bytes(), random.Random(0)
    for number in range(40):
        data = bytearray(whole)
        at = pick.randrange(8, 7000)
        data[at : at + 8] = bytes([255] * 7 + [127]) if number % 2 else pick.randbytes(8)
        file.write_bytes(data)
        with suppress(UserError):
            look_at(folders, file)


def test_a_conversion_can_be_cancelled_and_leaves_nothing(file: Path, folders: Folders) -> None:
    check_progress_and_cancelling(folders, file)
