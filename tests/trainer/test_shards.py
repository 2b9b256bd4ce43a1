"""Prepared data on disk: reading across shards, and refusing what is not whole."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.errors import UserError
from tests.trainer.conftest import write_data
from trainer.data.arrays import HEADER, INDEX, MASK, TOKENS, ArrayFile, open_array
from trainer.data.shards import PreparedData, TokenSet


@st.composite
def stretches(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Lengths of shards, and a stretch of all their tokens."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    start = draw(st.integers(0, sum(sizes)))
    return sizes, start, draw(st.integers(0, sum(sizes) - start))


@given(stretches(), st.randoms(use_true_random=False))
def test_reading_does_not_see_the_borders_of_shards(stretch: tuple[list[int], int, int], random: object) -> None:
    sizes, start, count = stretch
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    tokens, weights = rng.integers(0, 50257, sum(sizes)).astype(np.uint16), rng.integers(0, 2, sum(sizes)).astype(bool)
    borders = np.cumsum(sizes)[:-1]
    masks = [np.packbits(part, bitorder="little") for part in np.split(weights, borders)]
    token_set = TokenSet.of(np.split(tokens, borders), masks)
    assert len(token_set) == sum(sizes)
    read, weighed = token_set.read(start, count), token_set.read_weights(start, count)
    assert read.dtype == np.int64
    assert read.tolist() == tokens[start : start + count].tolist()
    assert weighed is not None
    assert weighed.tolist() == weights[start : start + count].tolist()


def test_without_masks_every_token_counts() -> None:
    assert TokenSet.of([np.arange(5, dtype=np.uint16)]).read_weights(1, 3) is None


@pytest.mark.parametrize("kind", [TOKENS, INDEX, MASK], ids=lambda kind: kind.suffix)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_arrays_come_back(tmp_path: Path, kind: object, count: int) -> None:
    assert kind in (TOKENS, INDEX, MASK)
    values = np.arange((count + 7) // 8 if kind is MASK else count) % 251
    file = ArrayFile(tmp_path / "a.bin", kind)  # type: ignore[arg-type]
    for part in np.array_split(values, 3):
        file.write(part)
    assert not (tmp_path / "a.bin").exists(), "it appears when it is whole"
    file.close(count)
    assert open_array(tmp_path / "a.bin", kind, count).tolist() == values.tolist()  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_an_abandoned_file_leaves_nothing(tmp_path: Path) -> None:
    file = ArrayFile(tmp_path / "a.bin", TOKENS)
    file.write(np.arange(10))
    file.abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data", train=np.arange(100), val=np.arange(10))


def test_a_folder_opens(prepared: Path) -> None:
    data = PreparedData.open(prepared)
    assert (len(data.train), len(data.val)) == (100, 10)
    assert data.train.read(90, 10).tolist() == list(range(90, 100))
    assert data.fingerprint == PreparedData.open(prepared).fingerprint


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no prepared data"):
        PreparedData.open(tmp_path)


@pytest.mark.parametrize("contents", ["", "[1]", "{}", '{"version": {}}'])
def test_a_damaged_manifest_is_refused(prepared: Path, contents: str) -> None:
    (prepared / "manifest.json").write_text(contents)
    with pytest.raises(UserError, match=r"is damaged|another version"):
        PreparedData.open(prepared)


ODD_MANIFESTS = {
    "a shard without tokens": ("train", {"shards": [{"file": "a.bin"}]}, "splits.train.shards[0]: object missing"),
    "a shard without a file": ("val", {"shards": [{"tokens": 1}]}, "splits.val.shards[0]: object missing"),
    "a file elsewhere": ("val", {"shards": [{"file": "../a.bin", "tokens": 1}]}, "splits.val.shards[0].file: expected"),
    "a count below 0": ("train", {"shards": [{"file": "a", "tokens": -1}]}, "splits.train.shards[0].tokens: expected"),
    "a count beyond all numbers": (
        "train",
        {"shards": [{"file": "a", "tokens": 10**400}]},
        "splits.train.shards[0].tok",
    ),
    "a split that is a list": ("train", [], "splits.train: expected"),
    "shards that are a number": ("train", {"shards": 3}, "splits.train.shards: expected"),
    "counts that do not fit": (
        "train",
        {"shards": [], "tokens": 5, "documents": 1},
        "the shards of splits.train are not complete",
    ),
}


@pytest.mark.parametrize(("split", "value", "said"), ODD_MANIFESTS.values(), ids=ODD_MANIFESTS.keys())
def test_an_odd_manifest_is_refused_with_the_file_and_the_key(
    prepared: Path, split: str, value: object, said: str
) -> None:
    path = prepared / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["splits"][split] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError) as caught:
        PreparedData.open(prepared)
    assert f"{path} is damaged: {said}" in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_text('{"version": 2, "splits": ' + "[" * 10_000)
    with pytest.raises(UserError, match="nested more than 64 deep"):
        PreparedData.open(prepared)


def test_another_version_is_refused(prepared: Path) -> None:
    manifest = json.loads((prepared / "manifest.json").read_text())
    (prepared / "manifest.json").write_text(json.dumps(manifest | {"version": 1}))
    with pytest.raises(UserError, match="another version"):
        PreparedData.open(prepared)


@pytest.mark.parametrize(
    ("offset", "sentence"), [(0, "no prepared data of this version"), (8, "of this version"), (28, "another tokenizer")]
)
def test_a_foreign_header_is_refused(prepared: Path, offset: int, sentence: str) -> None:
    shard = prepared / "train-00000.bin"
    contents = bytearray(shard.read_bytes())
    contents[offset] ^= 0xFF
    shard.write_bytes(contents)
    with pytest.raises(UserError, match=sentence):
        PreparedData.open(prepared)


@pytest.mark.parametrize("size", [0, HEADER.size - 1, HEADER.size, HEADER.size + 199])
def test_a_shard_that_is_cut_short_is_refused(prepared: Path, size: int) -> None:
    shard = prepared / "train-00000.bin"
    shard.write_bytes(shard.read_bytes()[:size])
    with pytest.raises(UserError, match=r"is not complete|cannot be read"):
        PreparedData.open(prepared)


def test_a_missing_shard_is_named(prepared: Path) -> None:
    (prepared / "val-00000.bin").unlink()
    with pytest.raises(UserError, match=r"val-00000\.bin"):
        PreparedData.open(prepared)
