from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.errors import UserError
from trainer.data.shards import PreparedData, TokenSet
from trainer.data.windows import Batches, Position, permute

T = 8


def counting_batches(windows: int, *, seed: int = 1) -> Batches:
    tokens = np.arange((windows + 1) * T + 1, dtype=np.uint16)
    batches = Batches(TokenSet.of([tokens]), context_length=T, seed=seed)
    assert batches.windows_per_epoch == windows
    return batches


@given(size=st.integers(1, 700), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 1000))
def test_a_permutation_meets_every_index_once(size: int, seed: int, epoch: int) -> None:
    assert sorted(permute(i, size, seed=seed, epoch=epoch) for i in range(size)) == list(range(size))


def test_another_epoch_or_seed_is_another_order() -> None:
    orders = {tuple(permute(i, 50, seed=seed, epoch=epoch) for i in range(50)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


def test_every_window_is_seen_once_an_epoch_and_no_two_overlap() -> None:
    batches = counting_batches(23)
    for epoch in (0, 1):
        starts = sorted(batches.window_start(Position(epoch, i)) for i in range(23))
        assert np.diff(starts).tolist() == [T] * 22


def test_targets_are_the_tokens_one_further_on() -> None:
    inputs, targets = counting_batches(23).read(Position(0, 20), 6)  # across the end of the epoch
    assert inputs.shape == targets.shape == (6, T)
    assert (targets == inputs + 1).all()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_processes_share_the_windows_of_a_step_whatever_their_number(count: int) -> None:
    """The windows that the trainer gives to each rank, micro-batch by micro-batch, make up the same step."""
    batches, size, sequences = counting_batches(50), 2, 24
    alone, _ = batches.read(Position(0, 0), sequences)
    shared = [
        batches.read(batches.advance(Position(0, 0), (i * count + rank) * size), size)[0]
        for i in range(sequences // size // count)
        for rank in range(count)
    ]
    assert np.array_equal(np.concatenate(shared), alone)


def test_reading_goes_on_from_two_integers() -> None:
    batches = counting_batches(23)
    whole, _ = batches.read(Position(0, 0), 60)
    position = batches.advance(Position(0, 0), 31)
    rest, _ = counting_batches(23).read(Position(position.epoch, position.index), 29)
    assert (whole[31:] == rest).all()


def test_too_little_data_is_refused() -> None:
    with pytest.raises(UserError, match="sequences of 8 need at least 17"):
        Batches(TokenSet.of([np.arange(16, dtype=np.uint16)]), context_length=T, seed=1)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no prepared data"):
        PreparedData.open(tmp_path)
