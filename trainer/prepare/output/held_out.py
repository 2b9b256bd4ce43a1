"""Holds out the end of a text for validation when hashes choose too few documents.

A first text is often one file without separators, that is one document, which can be in one split only; or a folder of
40 chapters, of which one in a hundred is none. Then the last part of the whole text, in the order of the sources, is
held out, as in Karpathy's nanoGPT (data/shakespeare). This is decided when all is encoded, over documents as they were
read, so that it depends neither on formats nor on the number of workers.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.gpt2.tokenizer import Tokenizer
from trainer.prepare.encoding.blocks import Block, read_block, write_block
from trainer.prepare.encoding.encode import Encoded, batch_encoder
from trainer.prepare.encoding.worker import FEW_DOCUMENTS, shuffled
from trainer.prepare.plan import DEFAULT_SHARE, Request

TAIL: Final = "tail"
"""Folder beside the parts for those that were divided again, and, as ``tail.json``, the note that it is whole."""

TAIL_SHARE: Final = 0.1
"""Of the text that is held out at its end, unless another share was asked for."""

_SLACK: Final = 0.5
"""By how much of what is held out the cut may be off to fall between two documents."""

_BORDERS: Final = (
    ("paragraph", re.compile(rb"\n[ \t]*\n")),
    ("line", re.compile(rb"\n")),
    ("word", re.compile(rb" ")),
)
"""Where a document may be cut, the best first."""

_BETWEEN: Final = "document"
"""Cut between two documents."""

_POOR: Final = ("word", "character")
_MOST: Final = 1 / 3
"""Of the text, that may be held out so that no document is cut at one of the poor borders."""

_NEAR: Final = 0.25
"""By how much of what is held out the cut may be off for the sake of a better border."""

_NEAR_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Tail:
    """Blocks of which the last part is validation.

    Attributes:
        blocks: in the place of those that were encoded, in the same order.
        share: of the text that was to be held out.
        cut: at the end of what: ``document``, ``paragraph``, ``line``, ``word`` or ``character``.
        trimmed: bytes of white space left out at the cut.
    """

    blocks: tuple[Block, ...]
    share: float
    cut: str
    trimmed: int

    @property
    def divided(self) -> int:
        """Documents that were cut in two: one or none."""
        return int(self.cut != _BETWEEN)

    def for_manifest(self) -> dict[str, Any]:
        return {"by": "end of the text", "share": self.share, "cut": self.cut}


@dataclass(frozen=True)
class _Cut:
    """Documents from ``document`` on are validation; of that one only what follows byte ``byte``, if that is not 0."""

    document: int
    kind: str
    byte: int = 0


def too_few_chosen(blocks: Sequence[Block]) -> bool:
    """Whether so few documents were chosen for validation, or so few were left, that chance has decided."""
    chosen = sum(block.val.documents for block in blocks)
    return chosen < FEW_DOCUMENTS or chosen == sum(block.val.documents + block.train.documents for block in blocks)


def hold_out(blocks: Sequence[Block], parts: Path, request: Request, rows: Container[str]) -> Tail:
    """Divides encoded blocks again, with the end of the text as validation; resumes where it was stopped.

    Args:
        blocks: in the order of the sources.
        parts: their folder; what is written lies in its subfolder `TAIL`.
        request: share and seed.
        rows: names of blocks whose documents are rows of tables or objects of JSON; these are not cut in two.

    Raises:
        UserError: when the text cannot be divided, or a block is damaged.
        OSError: when a block cannot be written.
    """
    note = parts / f"{TAIL}.json"
    if values := read_json(note):
        with suppress(KeyError, TypeError, AttributeError):  # damaged: it is divided once more
            return Tail(**values | {"blocks": tuple(map(Block.from_json, values["blocks"]))})
    share = TAIL_SHARE if request.validation_share == DEFAULT_SHARE else request.validation_share
    tokenizer = request.tokenizer
    cut = _find_cut(blocks, parts, request.seed, share, rows, tokenizer)
    folder = parts / TAIL
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    divided, trimmed, first = [], 0, 0
    for block in blocks:
        documents = _documents(block, parts, request.seed)
        place = cut.document - first
        val, train, lost = _divide(documents, place, cut.byte, tokenizer)
        trimmed += lost
        order = shuffled(len(train) + len(val), f"{request.seed} {Path(block.file).stem} {TAIL}").tolist()
        mixed = {i: (train + val)[i] for i in order}
        divided.append(
            write_block(
                folder,
                Path(block.file).stem,
                val=Encoded.join([document for i, document in mixed.items() if i >= len(train)]),
                train=Encoded.join([document for i, document in mixed.items() if i < len(train)]),
                weight=block.weight,
            )
        )
        first += len(documents)
    tail = Tail(tuple(divided), share, cut.kind, trimmed)
    write_json(note, asdict(tail))
    for block in blocks:
        (parts / block.file).unlink(missing_ok=True)
    return tail


def _find_cut(
    blocks: Sequence[Block], parts: Path, seed: int, share: float, rows: Container[str], tokenizer: Tokenizer
) -> _Cut:
    sizes, is_row, is_prompted = [], [], []
    for block in blocks:
        documents = _documents(block, parts, seed)
        sizes += [document.tokens.size for document in documents]
        is_row += [block.file in rows] * len(documents)
        is_prompted += [_is_record(document) for document in documents]
    ends = np.cumsum(sizes)
    held = share * ends[-1]
    wished = ends[-1] - held
    between = ends[:-1]
    nearest = int(np.abs(between - wished).argmin()) + 1 if between.size else 0
    off = abs(between[nearest - 1] - wished) if nearest else np.inf
    inside = min(int(np.searchsorted(ends, wished, side="right")), len(sizes) - 1)
    if off > _SLACK * held and not is_prompted[inside] and not (nearest and is_row[inside]):
        part = (wished - (ends[inside] - sizes[inside])) / sizes[inside]
        found = cut_text(_text(_document(blocks, parts, seed, inside), tokenizer), part, held / sizes[inside])
        few = nearest and ends[-1] - between[nearest - 1] <= max(share, _MOST) * ends[-1]
        if found and not (few and found[0] in _POOR):
            return _Cut(inside, *found)
    if nearest:
        return _Cut(nearest, _BETWEEN)
    what = "one record, which is not cut in two" if is_prompted[inside] else "a single character"
    raise UserError(
        f"There is nothing to hold out for validation: all that was found is {what}. Give more text, "
        "files with --val, or --val-share 0 to train without validation."
    )


def cut_text(text: bytes, part: float, held: float) -> tuple[str, int] | None:
    """The best border near ``part`` of a text (a share of its bytes), and the bytes before it; None when it has none.

    Args:
        text: UTF-8.
        part: where it should be cut, 0 to 1.
        held: share of the text that is held out.
    """
    first, last = len(text) - len(text.lstrip()) + 1, len(text.rstrip()) - 1  # so that there is text on either side
    if first > last:
        return None
    wished = min(max(first, round(part * len(text))), last)
    near = min(_NEAR_BYTES, round(_NEAR * held * len(text)))
    low, high = max(first - 1, wished - near), min(last, wished + near)
    for kind, border in _BORDERS:
        ends = [end for match in border.finditer(text[low:high]) if first <= (end := low + match.end()) <= last]
        if ends:
            return kind, min(ends, key=lambda end: abs(end - wished))
    places = chain(range(wished, first - 1, -1), range(wished + 1, last + 1))
    place = next((at for at in places if text[at] & 0xC0 != 0x80), 0)
    return ("character", place) if place else None


def _documents(block: Block, parts: Path, seed: int) -> list[Encoded]:
    """The documents of a block in the order in which they were read."""
    count = block.val.documents + block.train.documents
    order = shuffled(count, f"{seed} {Path(block.file).stem}").tolist()
    chosen = set(block.chosen)
    places = [i for i in order if i in chosen] + [i for i in order if i not in chosen]
    stored = [document for split in ("val", "train") for document in read_block(parts, block, split).split()]
    return [document for _, document in sorted(zip(places, stored, strict=True), key=lambda pair: pair[0])]


def _document(blocks: Sequence[Block], parts: Path, seed: int, index: int) -> Encoded:
    for block in blocks:
        count = block.val.documents + block.train.documents
        if index < count:
            return _documents(block, parts, seed)[index]
        index -= count
    raise AssertionError("beyond the last document")


def _divide(
    documents: list[Encoded], place: int, byte: int, tokenizer: Tokenizer
) -> tuple[list[Encoded], list[Encoded], int]:
    """(validation, training, bytes trimmed) of a block that the cut is in, before or after."""
    if not byte or not 0 <= place < len(documents):
        border = max(0, place)
        return documents[border:], documents[:border], 0
    text = _text(documents[place], tokenizer)
    first, last = text[:byte].rstrip(), text[byte:].lstrip()
    halves = [batch_encoder(tokenizer).encode([(half,)]) for half in (first, last)]
    trimmed = len(text) - len(first) - len(last)
    return [halves[1], *documents[place + 1 :]], [*documents[:place], halves[0]], trimmed


def _text(document: Encoded, tokenizer: Tokenizer) -> bytes:
    return tokenizer.decode(document.tokens[:-1].tolist()).encode()


def _is_record(document: Encoded) -> bool:
    """Whether it has parts that are given and parts that are learnt, which belong together."""
    return not document.mask().all()
