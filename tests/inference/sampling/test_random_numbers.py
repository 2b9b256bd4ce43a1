"""The random numbers of a completion are those of torch's generator."""

import pytest
import torch

from gptdesk.inference.sampling.random_numbers import RandomNumbers


@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 - 1, 2**32, 2**63 - 1])
def test_the_numbers_of_a_seed_are_torchs_bit_for_bit(seed: int) -> None:
    ours, theirs = RandomNumbers(seed), torch.Generator().manual_seed(seed)
    for _ in range(700):  # more than the generator holds at once
        assert ours.uniform() == float(torch.rand((), dtype=torch.float64, generator=theirs))
