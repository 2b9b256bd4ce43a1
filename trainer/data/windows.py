"""Data order: which tokens a step reads, a pure function of (seed, epoch, index); resuming needs two integers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.gpt2.chunked_loss import IGNORED as IGNORED
from trainer.data.shards import TokenSet

_ROUNDS: Final = 4


def hash_numbers(*numbers: int) -> int:
    """64 well-mixed bits that depend on all the numbers."""
    digest = hashlib.blake2b(b"".join(n.to_bytes(8, "little") for n in numbers), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@lru_cache(maxsize=16)
def _round_keys(seed: int, epoch: int) -> tuple[int, ...]:
    return tuple(hash_numbers(seed, epoch, round_) for round_ in range(_ROUNDS))


def permute(index: int, size: int, *, seed: int, epoch: int) -> int:
    """Image of ``index`` under a permutation of 0 ... size-1 chosen by (seed, epoch), which is never built.

    A four-round Feistel network on the next even number of bits, walked until it lands inside (Black & Rogaway 2002,
    "Ciphers with Arbitrary Finite Domains").
    """
    assert 0 <= index < size
    half = max(1, (size - 1).bit_length() + 1 >> 1)
    mask = (1 << half) - 1
    keys = _round_keys(seed, epoch)
    while True:
        left, right = index >> half, index & mask
        for key in keys:
            mixed = (right + key) * 0x9E3779B97F4A7C15 & (1 << 64) - 1
            mixed = (mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93 & (1 << 64) - 1
            left, right = right, left ^ (mixed >> 32 & mask)
        index = left << half | right
        if index < size:
            return index


@dataclass(frozen=True)
class Position:
    """How far a run has read: the epoch, and how many windows of it are used up."""

    epoch: int = 0
    index: int = 0


class Windows(ABC):
    """Training sequences in the order of training.

    Attributes:
        windows_per_epoch: sequences in an epoch.
        cut: records of which something is lost because they are longer than a sequence.
    """

    windows_per_epoch: int
    cut: int = 0

    def advance(self, position: Position, count: int) -> Position:
        """The position ``count`` windows on."""
        epochs, index = divmod(position.index + count, self.windows_per_epoch)
        return Position(position.epoch + epochs, index)

    @abstractmethod
    def read(self, position: Position, count: int) -> tuple[Tensor, Tensor]:
        """The next ``count`` windows: inputs and targets, (count, T) int64 each.

        Targets are the tokens one further on, or `IGNORED` where the data says that a token is not to be learnt.
        """


class Batches(Windows):
    """Training sequences cut from a token set, each window once an epoch, in an order given by the seed.

    Every epoch cuts at another offset, so that the same text meets the model with other beginnings.

    Args:
        tokens: the training split.
        context_length: T, tokens in a sequence.
        seed: of the order.
    """

    def __init__(self, tokens: TokenSet, *, context_length: int, seed: int) -> None:
        self._tokens = tokens
        self._T = context_length
        self._seed = seed
        # One window less than would fit, so that every epoch's offset leaves the same number.
        self.windows_per_epoch = (len(tokens) - 1) // context_length - 1
        if self.windows_per_epoch < 1:
            raise UserError(
                f"The training data has {len(tokens):,} tokens; sequences of {context_length:,} need at least "
                f"{2 * context_length + 1:,}. Prepare more text or choose a shorter context length."
            )

    def window_start(self, position: Position) -> int:
        """Index of the first token of the window at ``position``."""
        offset = hash_numbers(self._seed, position.epoch) % self._T
        window = permute(position.index, self.windows_per_epoch, seed=self._seed, epoch=position.epoch)
        return offset + window * self._T

    def read(self, position: Position, count: int) -> tuple[Tensor, Tensor]:
        block = np.empty((count, self._T + 1), dtype=np.int64)
        targets = np.empty((count, self._T), dtype=np.int64)
        for row in range(count):
            start = self.window_start(self.advance(position, row))
            block[row] = self._tokens.read(start, self._T + 1)
            targets[row] = block[row, 1:]
            counts = self._tokens.read_weights(start + 1, self._T)
            if counts is not None:
                targets[row, ~counts] = IGNORED
        return torch.from_numpy(block[:, :-1].copy()), torch.from_numpy(targets)
