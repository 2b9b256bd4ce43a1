"""Merges encoded blocks into shards in seeded order; resumes after an interruption."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from gptdesk.files import read_json, write_json
from trainer.data.arrays import INDEX, MASK, ArrayFile
from trainer.data.manifest import is_shard
from trainer.data.tokenizer import DataTokenizer
from trainer.prepare.encoding.blocks import Block
from trainer.prepare.output.weighting import Appearance, appearances, token_counts

_MERGE_ORDER: Final = ("val", "train")
"""The small split first: then each block of the large one can go as soon as it has been merged."""


class Merger:
    """Merges all blocks into the shards of a prepared folder.

    Args:
        folder: where shards are written.
        parts: the folder of blocks.
        blocks: all of them, in the order of the plan.
        shard_tokens: tokens in a full shard.
        seed: of the order of blocks.
        tokenizer: whose ids the blocks hold.
        learn_prompts: whether all tokens are learnt, whatever the blocks say.

    Attributes:
        tokens: of all shards together.
        token_bytes: bytes of a token in them.
    """

    def __init__(
        self,
        folder: Path,
        parts: Path,
        blocks: Sequence[Block],
        *,
        shard_tokens: int,
        seed: int,
        tokenizer: DataTokenizer,
        learn_prompts: bool = False,
    ) -> None:
        self._folder, self._parts, self._shard_tokens = folder, parts, shard_tokens
        self._tokenizer = tokenizer
        counts = token_counts(blocks, parts, seed)
        self._appearances: Mapping[str, Sequence[Appearance]] = {
            split: sorted(
                (each for block in blocks for each in appearances(block, split, counts, seed)),
                key=lambda each: hashlib.sha256(each.key.encode()).digest(),
            )
            for split in _MERGE_ORDER
        }
        self.tokens = sum(each.tokens for split in self._appearances.values() for each in split)
        self.token_bytes = tokenizer.kind.bits // 8
        self._masked = any(block.masked for block in blocks) and not learn_prompts

    def run(self, merged: Callable[[int], None]) -> dict[str, Any]:
        """Writes the shards that are not there yet and returns what the manifest says of the splits.

        Args:
            merged: called with the number of tokens in finished shards.

        Raises:
            UserError: when a block is damaged.
            OSError: when a shard cannot be written.
        """
        total, splits = 0, {}
        for split in _MERGE_ORDER:
            shards = []
            for shard in self._shards(split):
                shards.append(shard)
                total += shard["tokens"]
                merged(total)
            splits[split] = {
                "documents": sum(shard["documents"] for shard in shards),
                "tokens": sum(shard["tokens"] for shard in shards),
                "shards": shards,
            }
        return {split: splits[split] for split in reversed(_MERGE_ORDER)}

    def _shards(self, split: str) -> Iterator[dict[str, Any]]:
        position = 0
        tokens = sum(each.tokens for each in self._appearances[split])
        for number, begin in enumerate(range(0, tokens, self._shard_tokens)):
            end = min(begin + self._shard_tokens, tokens)
            name = f"{split}-{number:05d}"
            note = self._parts / f"{name}.json"
            entry = read_json(note)
            if entry is None or not is_shard(entry, tokens=end - begin):
                entry = self._write(split, name, begin, end)
                write_json(note, entry)
            yield entry
            if split == _MERGE_ORDER[-1]:
                position = self._remove_merged(position, end)

    def _write(self, split: str, name: str, begin: int, end: int) -> dict[str, Any]:
        """Writes the tokens ``begin`` to ``end`` of a split as one shard."""
        kinds = (self._tokenizer.kind, INDEX, *([MASK] if self._masked else []))
        files = [ArrayFile(self._folder / f"{name}{kind.suffix}", kind, self._tokenizer.stamp) for kind in kinds]
        documents, prompt_tokens = 0, 0
        bits = np.empty(0, np.bool_)
        try:
            at = 0
            for each in self._appearances[split]:
                count = each.tokens
                if at < end and begin < at + count:
                    encoded = each.read(self._parts)
                    first, last = max(begin - at, 0), min(end - at, count)
                    files[0].write(encoded.tokens[first:last])
                    starts = np.cumsum(encoded.lengths) - encoded.lengths
                    inside = starts[(first <= starts) & (starts < last)]
                    files[1].write(inside + (at - begin))
                    documents += inside.size
                    if self._masked:
                        loss_mask = encoded.mask()[first:last]
                        prompt_tokens += int((~loss_mask).sum())
                        bits = np.concatenate([bits, loss_mask])
                        whole = bits.size // 8 * 8
                        files[2].write(np.packbits(bits[:whole], bitorder="little"))
                        bits = bits[whole:]
                at += count
            if self._masked:
                files[2].write(np.packbits(bits, bitorder="little"))
            index = files[1].close(documents)
            extra = {"mask": files[2].close(end - begin) | {"prompt_tokens": prompt_tokens}} if len(files) > 2 else {}
            tokens = files[0].close(end - begin)
        except BaseException:
            for file in files:
                file.abandon()
            raise
        return tokens | {"tokens": end - begin, "documents": documents, "index": index} | extra

    def _remove_merged(self, position: int, end: int) -> int:
        """Removes the blocks that lie before token ``end`` of the last split, and returns how many have been passed."""
        listed = self._appearances[_MERGE_ORDER[-1]]
        at = sum(each.tokens for each in listed[:position])
        passed = position
        while passed < len(listed) and at + listed[passed].tokens <= end:
            at += listed[passed].tokens
            passed += 1
        later = Counter(each.block.file for each in listed[passed:])
        for each in listed[position:passed]:
            if not later[each.block.file]:
                (self._parts / each.block.file).unlink(missing_ok=True)
        return passed
