"""Records packed whole: none is torn where it fits, each is learnt once an epoch, and the order needs two integers."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.arrays import MappedArrays
from trainer.data.packing import PackedBatches, PackedWindows, pack_lengths
from trainer.data.shards import PreparedData, TokenSet
from trainer.data.windows import IGNORED, Position
from trainer.prepare import Request, prepare

T = 32


def make_records(lengths: list[tuple[int, int]]) -> tuple[TokenSet, np.ndarray]:
    """Records of (prompt, completion) tokens, the end in the completion; every token of all is another number."""
    sizes = [prompt + completion for prompt, completion in lengths]
    mask = np.concatenate([np.repeat([False, True], pair) for pair in lengths])
    tokens = np.arange(1, sum(sizes) + 1, dtype=np.uint16)
    token_set = TokenSet.of([tokens], [np.packbits(mask, bitorder="little")])
    return token_set, np.cumsum([0, *sizes])[:-1]


def packed(lengths: list[tuple[int, int]], *, seed: int = 1, room: int = T) -> PackedWindows:
    tokens, starts = make_records(lengths)
    return PackedWindows(tokens, starts, context_length=room, seed=seed)


def epoch_of(windows: PackedWindows, epoch: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    return [windows.read(i, epoch) for i in range(windows.count)]


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 60), min_size=1, max_size=12))
def test_packs_hold_all_records_and_none_is_too_full(counts: dict[int, int]) -> None:
    packs = pack_lengths(counts, 40)
    found: dict[int, int] = {}
    for pack in packs:
        assert pack.count > 0
        assert 0 < sum(length * each for length, each in pack.records) <= 40
        for length, each in pack.records:
            found[length] = found.get(length, 0) + each * pack.count
    assert found == counts
    fills = [(sum(length * each for length, each in pack.records), pack.count) for pack in packs]
    assert sum(count for fill, count in fills if fill <= 20) <= 1, "two that are half empty would be one"


PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 20)), min_size=1, max_size=60)


@given(PAIRS, st.integers(0, 3))
def test_every_record_is_learnt_whole_once_an_epoch(lengths: list[tuple[int, int]], epoch: int) -> None:
    windows, learnt, read = packed(lengths), [], []
    first = 1
    wanted = {}
    for prompt, completion in lengths:
        wanted[first] = list(range(first, first + prompt + completion))
        first += prompt + completion
    for inputs, targets in epoch_of(windows, epoch):
        assert inputs[0] == END_OF_TEXT
        follow = inputs[1:][targets[:-1] != IGNORED]
        assert follow.tolist() == targets[:-1][targets[:-1] != IGNORED].tolist(), "a target is the next input"
        learnt += targets[targets != IGNORED].tolist()
        read += inputs[1:][inputs[1:] != END_OF_TEXT].tolist()
        at = 0
        for start, length in windows.records(windows_index(windows, inputs, epoch), epoch):
            shown = inputs[at + 1 : at + 1 + length].tolist()
            assert shown == wanted[start + 1][: len(shown)]
            assert len(wanted[start + 1]) == length
            at += length
    expected = [id for (prompt, _), ids in zip(lengths, wanted.values(), strict=True) for id in ids[prompt:]]
    assert sorted(learnt) == expected
    assert windows.cut == 0


def windows_index(windows: PackedWindows, inputs: np.ndarray, epoch: int) -> int:
    return next(i for i in range(windows.count) if windows.read(i, epoch)[0].tolist() == inputs.tolist())


def test_another_epoch_brings_other_neighbours_and_the_same_epoch_the_same() -> None:
    lengths = [(3, 5)] * 40
    windows = packed(lengths)
    orders = [[inputs.tolist() for inputs, _ in epoch_of(windows, epoch)] for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert len(orders[0]) == len(orders[1]) == 10


def test_a_record_that_is_too_long_loses_the_beginning_of_its_prompt() -> None:
    windows = packed([(50, 10), (3, 4)])
    assert windows.cut == 1
    inputs, targets = epoch_of(windows)[[w[1].tolist()[-1] == 60 for w in epoch_of(windows)].index(True)]
    assert targets[targets != IGNORED].tolist() == list(range(51, 61)), "the completion is whole"
    assert inputs.tolist() == [END_OF_TEXT, *range(29, 60)]


def test_a_completion_that_is_too_long_alone_is_cut_at_its_end() -> None:
    windows = packed([(20, 90)])
    ((inputs, targets),) = epoch_of(windows)
    assert windows.cut == 1
    assert inputs.tolist() == [END_OF_TEXT, *range(13, 44)], "the end of the prompt stays"
    assert targets.tolist() == [IGNORED] * 8 + list(range(21, 45))


def test_nothing_is_lost_of_a_long_text_among_records() -> None:
    windows = packed([(0, 100), (3, 4)])
    learnt = sorted(id for _, targets in epoch_of(windows) for id in targets[targets != IGNORED].tolist())
    assert learnt == [*range(1, 101), *range(104, 108)]
    assert windows.cut == 0


@pytest.mark.parametrize("count", [2, 3])
def test_processes_share_the_windows_of_a_step_whatever_their_number(count: int) -> None:
    batches = PackedBatches(packed([(3, 5), (2, 9), (7, 1)] * 40), seed=1)
    alone, _ = batches.read(Position(0, 0), 24)
    shared = [
        batches.read(batches.advance(Position(0, 0), (i * count + rank) * 2), 2)[0]
        for i in range(24 // 2 // count)
        for rank in range(count)
    ]
    assert np.array_equal(np.concatenate(shared), alone)


def test_reading_goes_on_from_two_integers() -> None:
    lengths = [(3, 5), (2, 9), (7, 1)] * 40
    batches = PackedBatches(packed(lengths), seed=5)
    whole, targets = batches.read(Position(0, 0), 60)
    assert batches.windows_per_epoch < 60, "across the end of an epoch"
    position = batches.advance(Position(0, 0), 31)
    rest, rest_targets = PackedBatches(packed(lengths), seed=5).read(Position(position.epoch, position.index), 29)
    assert (whole[31:] == rest).all()
    assert (targets[31:] == rest_targets).all()


def test_prepared_records_are_packed_with_their_prompts(tmp_path: Path) -> None:
    tokenizer = gpt2_tokenizer()
    records: list[dict[str, Any]] = [{"prompt": f"Question {i}?", "completion": f" answer {i}."} for i in range(200)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    prepare(Request(sources=(str(tmp_path / "a.jsonl"),), shard_tokens=301), tmp_path / "out")
    data = PreparedData.open(tmp_path / "out")
    assert data.holds_records
    windows = PackedWindows(data.train, data.document_starts("train"), context_length=64, seed=1)
    found = []
    for inputs, targets in epoch_of(windows):
        ends = np.flatnonzero(targets == END_OF_TEXT) + 1
        for start, end in pairwise([0, *ends.tolist()]):
            prompt = inputs[start + 1 : end][targets[start : end - 1] == IGNORED]
            assert tokenizer.decode(prompt.tolist()).startswith("Question ")
            found.append(tokenizer.decode(targets[start:end][targets[start:end] != IGNORED].tolist()))
    assert len(found) == data.manifest["splits"]["train"]["documents"]
    assert all(text.startswith(" answer ") for text in found)
    assert windows.count <= len(data.train) / 64 * 1.1 + 1, "few places stay empty"


# Files


MANY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
from pathlib import Path
import numpy as np
from trainer.data.shards import PreparedData
data = PreparedData.open(Path(sys.argv[1]))
rng = np.random.default_rng(0)
size = len(data.train)
whole = data.train.read(0, size)
for start in rng.integers(0, size - 50, 2_000).tolist():
    assert (data.train.read(start, 50) == whole[start : start + 50]).all()
    data.train.read_weights(start, 50)
data.document_starts("train")
print(len(data.train.shards))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits files otherwise")
def test_more_shards_than_files_may_be_open_are_read(tmp_path: Path) -> None:
    records = [{"prompt": f"Question {i}?", "completion": f" answer {i}."} for i in range(300)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    request = Request(sources=(str(tmp_path / "a.jsonl"),), shard_tokens=10, validation_share=0)
    prepare(request, tmp_path / "out")
    result = subprocess.run(
        [sys.executable, "-c", MANY, str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 128 > 2 * MappedArrays.MOST_OPEN
