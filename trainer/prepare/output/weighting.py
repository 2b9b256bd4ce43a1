"""How often encoded blocks are in the result, by the weights of their sources.

A block of weight 2.5 appears three times among the training text: twice whole, once with a random half of its
documents. Validation text appears once, and is never among the training text: it was chosen before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.files import read_json, write_json
from trainer.prepare.encoding.blocks import Block, read_block
from trainer.prepare.encoding.encode import Encoded
from trainer.prepare.encoding.worker import shuffled

_COUNTS: Final = "weights.json"
"""Note in the folder of blocks: tokens in the part of each block that appears in part, as blocks go when merged."""


@dataclass(frozen=True)
class Appearance:
    """One of the times that a block is in a split.

    Attributes:
        block: what is read.
        split: which of its documents.
        key: decides its place in the split.
        tokens: that it adds.
        share: of the documents, chosen at random.
        seed: of the choice.
    """

    block: Block
    split: str
    key: str
    tokens: int
    share: float = 1.0
    seed: int = 0

    def read(self, parts: Path) -> Encoded:
        """Its documents.

        Raises:
            UserError: when the block is damaged or cannot be read.
        """
        encoded = read_block(parts, self.block, self.split)
        return encoded if self.share == 1 else _chosen(encoded, self.block, self.share, self.seed)


def appearances(block: Block, split: str, counts: Mapping[str, int], seed: int) -> Iterator[Appearance]:
    """The times that a block is in a split.

    Args:
        block: with its weight.
        split: of the two.
        counts: as `token_counts` gives them.
        seed: of the order and the choice.
    """
    key = f"{seed} {block.file}"
    tokens = block.counts(split).tokens
    if split == "val":
        yield Appearance(block, split, key, tokens)
        return
    whole, part = int(block.weight), block.weight % 1
    for time in range(whole):
        yield Appearance(block, split, f"{key} {time}" if time else key, tokens)
    if part:
        yield Appearance(block, split, f"{key} part", counts[block.file], part, seed)


def token_counts(blocks: Sequence[Block], parts: Path, seed: int) -> Mapping[str, int]:
    """Tokens in the part of each block that appears in part, by its file; noted down when they are first counted.

    Raises:
        UserError: when a block is damaged or cannot be read.
        OSError: when the note cannot be written.
    """
    partial = [block for block in blocks if block.weight % 1]
    if not partial:
        return {}
    noted = read_json(parts / _COUNTS)
    if noted is not None and all(type(noted.get(block.file)) is int for block in partial):
        return {block.file: int(noted[block.file]) for block in partial}
    counts = {
        block.file: int(_chosen(read_block(parts, block, "train"), block, block.weight % 1, seed).tokens.size)
        for block in partial
    }
    write_json(parts / _COUNTS, counts)
    return counts


def _chosen(encoded: Encoded, block: Block, share: float, seed: int) -> Encoded:
    """A random ``share`` of the documents, in their order."""
    kept = _choose(encoded.lengths.size, share, f"{seed} {Path(block.file).stem}")
    tokens = np.repeat(kept, encoded.lengths)
    loss_mask = None if encoded.loss_mask is None else encoded.loss_mask[tokens]
    return Encoded(encoded.tokens[tokens], encoded.lengths[kept], loss_mask)


def _choose(count: int, share: float, key: str) -> npt.NDArray[np.bool_]:
    """Which of ``count`` documents: ``share`` of them, where that is no whole number one more by chance."""
    chance = int.from_bytes(hashlib.blake2b(f"{key} chance".encode(), digest_size=8).digest(), "little") / 2**64
    wanted = int(count * share + chance)
    return np.asarray(shuffled(count, f"{key} weight") < wanted)
