"""OpenAI's original release and its descendants; the checkpoint here was written by TensorFlow itself (`make.py`)."""

import json
import os
import random
import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.config import OPENAI_SIZES, GPT2Config
from gptdesk.gpt2.layout import read_config, tensor_shapes
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.library.import_ import import_model, look_at
from gptdesk.library.importing.known_shapes import known_config
from gptdesk.library.importing.readers.crc32c import crc32c, masked
from gptdesk.library.importing.readers.tensor_bundle import TensorBundle
from tests.library.conftest import check_progress_and_cancelling, everything
from tests.library.tensorflow_checkpoint.make import IDS, MERGES, encoder, values_of

CHECKPOINT = Path(__file__).parent / "tensorflow_checkpoint"
INDEX, DATA = "model.ckpt.index", "model.ckpt.data-00000-of-00001"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder as OpenAI's download_model.py makes it, to spoil."""
    return Path(shutil.copytree(CHECKPOINT, tmp_path / "345M", ignore=shutil.ignore_patterns("*.py", "__pycache__")))


def imported(folders: Folders, path: Path, **arguments: Any) -> Path:
    entry = import_model(folders, path, **arguments)
    assert (entry.kind, entry.state) == ("installed", "ready")
    assert entry.path is not None
    return entry.path


def test_weights_are_those_of_tensorflow_bit_for_bit(release: Path, folders: Folders) -> None:
    from safetensors.numpy import load_file

    found = load_file(imported(folders, release) / "model.safetensors")
    for name, tensor in TensorBundle(release / INDEX).tensors.items():
        parts = name.removeprefix("model/").split("/")
        kind = {"g": "weight", "w": "weight", "b": "bias"}.get(parts[-1])
        parts[0] = parts[0].replace("h", "h.") if parts[0][1:].isdigit() else parts[0]
        stored = found.pop(".".join(["transformer", *(parts[:-1] if kind else parts), kind or "weight"]))
        assert stored.tobytes() == values_of(name, tensor.shape).tobytes()
    assert not found


def test_logits_are_those_of_openais_code_in_tensorflow(release: Path, folders: Folders) -> None:
    import torch
    from transformers import GPT2LMHeadModel

    from gptdesk.gpt2.checkpoint import load_model

    folder = imported(folders, release)
    expected = torch.tensor(json.loads((CHECKPOINT / "logits.json").read_text())["last"])
    with torch.no_grad():
        ours = load_model(folder)(torch.tensor(IDS))[:, -1]
        theirs = GPT2LMHeadModel.from_pretrained(folder)(torch.tensor(IDS)).logits[:, -1]
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(theirs, expected, rtol=0, atol=1e-4)


def test_its_tokenizer_is_read_by_transformers(release: Path, folders: Folders) -> None:
    from transformers import AutoTokenizer

    folder = imported(folders, release)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = encoder()
    text = "on the other hand é\n"
    ids = tokenizer.encode(text)
    assert tokens["Ġthe"] in ids
    assert tokenizer.decode(ids) == text
    assert max(ids) < len(tokens)
    assert tokenizer.convert_ids_to_tokens([*range(len(tokens))]) == list(tokens)
    assert tokenizer.eos_token_id == 256 + len(MERGES)
    ours = load_tokenizer(folder, read_config(folder))
    assert ours.encode(text) == ids
    assert ours.end_of_text == tokenizer.eos_token_id


def test_it_is_called_as_its_folder_whichever_file_is_chosen(release: Path, folders: Folders) -> None:
    for name in ("", "checkpoint", INDEX, DATA):
        found = look_at(folders, release / name)
        assert (found.name, found.converted, found.linkable) == ("345M", True, False)
    assert not folders.models.exists()


def test_of_several_checkpoints_the_one_that_the_state_names_is_read(release: Path, folders: Folders) -> None:
    """As gpt-2-simple's runs: the newest is named by step, and the state names one."""
    for step in (900, 1000):
        shutil.copy(release / INDEX, release / f"model-{step}.index")
        shutil.copy(release / DATA, release / f"model-{step}.data-00000-of-00001")
    (release / INDEX).unlink()
    damaged = bytearray((release / DATA).read_bytes())
    damaged[5] ^= 1
    (release / "model-900.data-00000-of-00001").write_bytes(damaged)
    (release / "checkpoint").write_text('model_checkpoint_path: "/content/checkpoint/run1/model-900"\n')
    with pytest.raises(UserError, match=r"model-900\.data-00000-of-00001 is damaged"):
        import_model(folders, release)
    (release / "checkpoint").unlink()
    imported(folders, release)


def test_progress_rises_to_its_end_and_cancelling_leaves_nothing(release: Path, folders: Folders) -> None:
    check_progress_and_cancelling(folders, release)


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


SPOILED: list[tuple[str, Callable[[Path], object], str]] = [
    ("a byte of the index", lambda p: flipped(p / INDEX, 100), "a block in it has a wrong checksum"),
    ("its magic number", lambda p: flipped(p / INDEX, -1), "it is no table, or cut short"),
    ("half of the index", lambda p: cut(p / INDEX, 400), "it is no table, or cut short"),
    ("an empty index", lambda p: cut(p / INDEX, 0), "it is no table, or cut short"),
    ("a byte of the weights", lambda p: flipped(p / DATA, 9000), "is damaged: the checksum of 'model/"),
    ("half of the weights", lambda p: cut(p / DATA, 9000), "is cut short"),
    ("no shape", lambda p: (p / "hparams.json").unlink(), r"has no hparams\.json beside it"),
    ("a shape that is none", lambda p: (p / "hparams.json").write_text("{"), "is damaged: it is not JSON"),
    ("a shape without heads", lambda p: (p / "hparams.json").write_text('{"n_vocab": 270, "n_ctx": 16, "n_embd": 8}'),
     "does not say n_head"),
    ("another shape", lambda p: (p / "hparams.json").write_text(
        '{"n_vocab": 271, "n_ctx": 16, "n_embd": 8, "n_head": 2, "n_layer": 2}'), r"do not fit its hparams\.json: wte"),
    ("a tokenizer that is none", lambda p: (p / "encoder.json").write_text('{"a": "b"}'), "are no whole numbers"),
    ("a pointer for an index", lambda p: (p / INDEX).write_text("version https://git-lfs.github.com/spec/v1\n"),
     "run git lfs pull"),
    ("a pointer for weights", lambda p: (p / DATA).write_text("version https://git-lfs.github.com/spec/v1\n"),
     "run git lfs pull"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "sentence"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED])
def test_what_is_damaged_is_refused_and_nothing_is_left(
    release: Path, folders: Folders, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(release)
    with pytest.raises(UserError, match=sentence):
        import_model(folders, release)
    assert not folders.models.exists() or everything(folders.models) == []


def test_a_damaged_index_is_read_or_gets_a_sentence(release: Path, folders: Folders) -> None:
    whole, pick = (release / INDEX).read_bytes(), random.Random(0)
    assert resealed(bytearray(whole)) == whole
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(pick.randint(1, 3)):
            data[pick.randrange(len(data))] = pick.randrange(256)
        (release / INDEX).write_bytes(resealed(data))
        with suppress(UserError):
            look_at(folders, release)


def resealed(data: bytearray) -> bytes:
    """With the checksum of its first block made right again, so that what is in it is read."""
    struct.pack_into("<I", data, FIRST_BLOCK + 1, masked(crc32c(data[: FIRST_BLOCK + 1])))
    return bytes(data)


def first_block(data: bytes) -> int:
    """Bytes of the block at the beginning: those whose checksum follows."""
    sizes = (
        size for size in range(100, len(data) - 5) if masked(crc32c(data[: size + 1])) == number_at(data, size + 1)
    )
    return next(sizes)


def number_at(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


FIRST_BLOCK = first_block((CHECKPOINT / INDEX).read_bytes())


def test_a_link_out_of_the_folder_is_refused(release: Path, folders: Folders, tmp_path: Path) -> None:
    (release / "encoder.json").rename(tmp_path / "encoder.json")
    (release / "encoder.json").symlink_to(tmp_path / "encoder.json")
    with pytest.raises(UserError, match=r"is a link to .*, outside of the folder"):
        import_model(folders, release)


def test_without_a_shape_openais_own_are_known_by_width_and_layers() -> None:
    small = OPENAI_SIZES["gpt2"]
    assert known_config(tensor_shapes(small)) == small
    assert known_config(tensor_shapes(GPT2Config(n_embd=48, n_head=3, n_layer=2))) is None


def test_checksums_are_those_of_the_standard() -> None:
    """RFC 3720, appendix B.4, and a text of every length against the definition."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    data = os.urandom(70_001)
    for length in (0, 1, 2, 3, 17, 64, 1000, 4097, 70_001):
        expected = 0xFFFFFFFF
        for byte in data[:length]:
            expected ^= byte
            for _ in range(8):
                expected = expected >> 1 ^ 0x82F63B78 * (expected & 1)
        assert crc32c(data[:length]) == expected ^ 0xFFFFFFFF
        assert crc32c(data[length // 3 : length], crc32c(data[: length // 3])) == expected ^ 0xFFFFFFFF
