"""Packs whole records into training sequences, so that a completion stays with its prompt where it fits.

How many sequences there are of which lengths is worked out once, from the histogram of lengths alone
("longest-pack-first histogram-packing": Krell et al. 2021, "Efficient Sequence Packing without Cross-contamination",
section 3.2.2). Which records of a length take these places is a permutation chosen by seed and epoch. So a sequence is
a pure function of (seed, epoch, index), and every epoch has as many, with other neighbours.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gptdesk.gpt2.config import END_OF_TEXT
from trainer.data.shards import PreparedData, TokenSet
from trainer.data.windows import IGNORED, Batches, Position, Windows, hash_numbers, permute

Int64s = npt.NDArray[np.int64]

_PROMPT_SHARE: Final = 4
"""Of a sequence one token in so many is left to the prompt of a completion that does not fit alone."""


@dataclass(frozen=True)
class Pack:
    """Sequences that hold records of the same lengths.

    Attributes:
        records: lengths in tokens, each with how many of it are in a sequence.
        count: how many such sequences there are.
    """

    records: tuple[tuple[int, int], ...]
    count: int


def pack_lengths(counts: Mapping[int, int], room: int) -> list[Pack]:
    """Packs records into sequences, the longest first, each where the least room is left that it fits in.

    Args:
        counts: of records, by their length in tokens, 1 to ``room``.
        room: tokens in a sequence.
    """
    rooms: list[int] = [room]  # sorted; of sequences that are not full
    groups: dict[int, list[Pack]] = {room: [Pack((), sum(counts.values()))]}  # by room left; empty ones to begin with
    for length in sorted(counts, reverse=True):
        left = counts[length]
        while left:
            free = rooms[bisect_left(rooms, length)]
            pack = groups[free].pop()
            each = min(free // length, left)
            filled = min(pack.count, left // each)
            if pack.count > filled:
                groups[free].append(Pack(pack.records, pack.count - filled))
            if not groups[free]:
                del groups[free]
                rooms.remove(free)
            left -= filled * each
            rest = free - each * length
            if rest not in groups:
                groups[rest] = []
                insort(rooms, rest)
            groups[rest].append(Pack((*pack.records, (length, each)), filled))
    return [pack for free in sorted(groups) for pack in groups[free] if pack.records]


class PackedWindows:
    """Sequences of whole records from one split.

    A sequence begins with ``<|endoftext|>``, so that T targets are T tokens of records. A record of more tokens loses
    the beginning of its prompt; a completion that is longer alone is cut at its end. A text without a prompt is cut
    into several records instead, and nothing of it is lost.

    Args:
        tokens: of the split.
        documents: (documents) int64, where each begins.
        context_length: T.
        seed: of which records share a sequence.
        end_of_text: id of the token that ends a record.

    Attributes:
        count: sequences.
        cut: records of which something is lost.
    """

    def __init__(
        self, tokens: TokenSet, documents: Int64s, *, context_length: int, seed: int, end_of_text: int = END_OF_TEXT
    ) -> None:
        self._tokens, self._T, self._seed, self._end = tokens, context_length, seed, end_of_text
        lengths = np.diff(documents, append=len(tokens))
        fits = lengths <= context_length
        pieces, self.cut = _cut_long(tokens, documents[~fits], lengths[~fits], context_length)
        sizes = np.concatenate([lengths[fits], pieces[:, 1]])
        order = np.argsort(sizes, kind="stable")
        self._starts: Int64s = np.concatenate([documents[fits], pieces[:, 0]])[order]  # by length
        self._of_length = np.bincount(sizes, minlength=context_length + 1)
        self._first = np.cumsum(self._of_length) - self._of_length
        self._packs = pack_lengths(
            {n: count for n, count in enumerate(self._of_length.tolist()) if count}, context_length
        )
        self._borders = np.cumsum([pack.count for pack in self._packs], dtype=np.int64)
        self._places = list(self._number_places())
        self.count = int(self._borders[-1]) if self._packs else 0

    def _number_places(self) -> list[tuple[int, ...]]:
        """For each pack, and each length in it, how many places for records of that length come before."""
        used = dict.fromkeys(range(self._T + 1), 0)
        places = []
        for pack in self._packs:
            places.append(tuple(used[length] for length, _ in pack.records))
            for length, each in pack.records:
                used[length] += each * pack.count
        return places

    def records(self, window: int, epoch: int) -> list[tuple[int, int]]:
        """(first token, length) of the records in a sequence, in their order there."""
        index = int(np.searchsorted(self._borders, window, side="right"))
        pack = self._packs[index]
        number = window - int(self._borders[index]) + pack.count
        found = []
        for (length, each), before in zip(pack.records, self._places[index], strict=True):
            size, first = int(self._of_length[length]), int(self._first[length])
            for place in range(before + number * each, before + (number + 1) * each):
                chosen = permute(place, size, seed=self._seed, epoch=epoch)
                found.append((int(self._starts[first + chosen]), length))
        return sorted(found, key=lambda record: hash_numbers(self._seed, epoch, record[0]))

    def read(self, window: int, epoch: int = 0) -> tuple[Int64s, Int64s]:
        """Inputs and targets of a sequence, (T) int64 each; what follows its records is not learnt."""
        inputs = np.full(self._T + 1, self._end, np.int64)
        targets = np.full(self._T, IGNORED, np.int64)
        at = 0
        for start, length in self.records(window, epoch):
            ids = self._tokens.read(start, length)
            loss_mask = self._tokens.read_weights(start, length)
            inputs[at + 1 : at + 1 + length] = ids
            targets[at : at + length] = ids if loss_mask is None else np.where(loss_mask, ids, IGNORED)
            at += length
        return inputs[:-1], targets


def _cut_long(tokens: TokenSet, starts: Int64s, lengths: Int64s, room: int) -> tuple[Int64s, int]:
    """What is read of documents that are longer than ``room``: (pieces, 2) int64 with start and length; those cut."""
    pieces, cut = [], 0
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        loss_mask = tokens.read_weights(start, length)
        given = np.flatnonzero(~loss_mask) if loss_mask is not None else np.empty(0, np.int64)
        if not given.size:
            pieces += [(at, min(room, start + length - at)) for at in range(start, start + length, room)]
            continue
        prompt = int(given[-1]) + 1
        kept = room - (length - prompt) if length - prompt < room else min(prompt, room // _PROMPT_SHARE)
        pieces.append((start + prompt - kept, room))
        cut += 1
    return np.array(pieces, np.int64).reshape(-1, 2), cut


def packed_windows(data: PreparedData, split: str, *, context_length: int, seed: int = 0) -> PackedWindows | None:
    """The sequences of a split whose documents are records; None for text, which is read without regard to documents.

    Raises:
        UserError: when its index is missing or damaged.
    """
    if not data.holds_records:
        return None
    tokens: TokenSet = getattr(data, split)
    return PackedWindows(
        tokens,
        data.document_starts(split),
        context_length=context_length,
        seed=seed,
        end_of_text=data.tokenizer.end_of_text,
    )


class PackedBatches(Windows):
    """Training sequences of whole records, each once an epoch, in an order given by the seed.

    Args:
        windows: of the training split; one at least.
        seed: of the order.
    """

    def __init__(self, windows: PackedWindows, *, seed: int) -> None:
        self._windows, self._seed = windows, seed
        self.windows_per_epoch = windows.count
        self.cut = windows.cut

    def read(self, position: Position, count: int) -> tuple[Tensor, Tensor]:
        inputs: list[Int64s] = []
        targets: list[Int64s] = []
        for row in range(count):
            at = self.advance(position, row)
            window = permute(at.index, self.windows_per_epoch, seed=self._seed, epoch=at.epoch)
            for part, values in zip((inputs, targets), self._windows.read(window, at.epoch), strict=True):
                part.append(values)
        return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(targets))


def make_batches(data: PreparedData, *, context_length: int, seed: int) -> Windows:
    """The training sequences of prepared data: of whole records, or of text side by side.

    Raises:
        UserError: when there is too little text, or an index is damaged.
    """
    windows = packed_windows(data, "train", context_length=context_length, seed=seed)
    if windows is None or not windows.count:
        return Batches(data.train, context_length=context_length, seed=seed)
    return PackedBatches(windows, seed=seed)
