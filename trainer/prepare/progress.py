"""Progress and speed of a preparation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trainer.prepare.encoding.blocks import EncodedUnit
from trainer.prepare.encoding.worker import UnitProgress

VOCABULARY, ENCODE, MERGE = "vocabulary", "encode", "merge"

_EVERY_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a preparation at one moment.

    Attributes:
        phase: `VOCABULARY` (a tokenizer is made from the text), `ENCODE` or `MERGE`.
        units, units_total: of work that are done, and that are known so far.
        documents, tokens: encoded so far, over both splits.
        bytes, bytes_total: of the source files; in the merge, of the shards.
        downloaded, download_total: bytes from the hub, those that were here before not counted.
        broken: things that were left out.
        seconds: since this call began.
        documents_per_s, tokens_per_s: encoded in this call; 0 while nothing is.
        seconds_left: until this phase ends; None while that is unknown.
    """

    phase: str
    units: int
    units_total: int
    documents: int
    tokens: int
    bytes: int
    bytes_total: int
    downloaded: int
    download_total: int
    broken: int
    seconds: float
    documents_per_s: float
    tokens_per_s: float
    seconds_left: float | None


class Meter:
    """Counts what is done and reports it a few times a second.

    Args:
        total: bytes of all source files.
        report: called with the progress.

    Attributes:
        total: the same.
        units_total: units that are known so far.
        broken: things that were left out.
        downloaded, download_total: bytes from the hub.
    """

    def __init__(self, total: int, report: Callable[[Progress], None]) -> None:
        self.total, self._report = total, report
        self._began = self._reported = self._merge_began = time.monotonic()
        self._speeds = (0.0, 0.0)  # documents and tokens a second
        self._documents = self._tokens = self._bytes = 0
        self._before = (0, 0, 0)
        self._merge_tokens, self._token_bytes = 0, 2
        self._units = self.units_total = 0
        self._underway: dict[str, UnitProgress] = {}
        self.broken = 0
        self.downloaded = self.download_total = 0

    def found(self, done: EncodedUnit) -> None:
        """Counts a unit that an earlier call encoded: it says nothing about the speed of this one."""
        self.add(done)
        self._before = (self._documents, self._tokens, self._bytes)

    def add(self, done: EncodedUnit) -> None:
        """Counts a unit that is done."""
        self._underway.pop(done.unit, None)
        self._units += 1
        self._documents += done.documents
        self._tokens += done.tokens
        self._bytes += done.bytes

    def skip(self, size: int) -> None:
        """Counts bytes of files in which there is nothing to encode."""
        self._bytes += size

    def underway(self, unit: UnitProgress) -> None:
        self._underway[unit.unit] = unit
        self.show()

    def show(self, *, now: bool = False) -> None:
        """Reports, unless the last time was a moment ago."""
        moment = time.monotonic()
        if not now and moment - self._reported < _EVERY_SECONDS:
            return
        self._reported = moment
        units = self._underway.values()
        documents = self._documents + sum(unit.documents for unit in units)
        tokens = self._tokens + sum(unit.tokens for unit in units)
        size = self._bytes + sum(unit.bytes for unit in units)
        seconds = moment - self._began
        new = (documents - self._before[0], tokens - self._before[1])
        self._speeds = (new[0] / seconds, new[1] / seconds) if seconds > 0 else (0.0, 0.0)
        self._say(ENCODE, documents, tokens, size, self.total, size - self._before[2])

    def begin_merge(self, tokens: int, token_bytes: int) -> None:
        """Begins to report the merge of so many tokens, each of so many bytes."""
        self._merge_began = time.monotonic()
        self._merge_tokens, self._token_bytes = tokens, token_bytes
        self.merged(0)

    def merged(self, tokens: int) -> None:
        """Reports the merge, so many tokens of which are in finished shards."""
        size, total = self._token_bytes * tokens, self._token_bytes * self._merge_tokens
        self._say(MERGE, self._documents, self._tokens, size, total, size)

    def _say(self, phase: str, documents: int, tokens: int, size: int, total: int, new: int) -> None:
        """Reports; ``new`` is the part of ``size`` that the phase has done in this call."""
        moment = time.monotonic()
        in_phase = moment - (self._began if phase == ENCODE else self._merge_began)
        self._report(
            Progress(
                phase=phase,
                units=self._units,
                units_total=self.units_total,
                documents=documents,
                tokens=tokens,
                bytes=size,
                bytes_total=total,
                downloaded=self.downloaded,
                download_total=self.download_total,
                broken=self.broken,
                seconds=round(moment - self._began, 3),
                documents_per_s=round(self._speeds[0], 1),
                tokens_per_s=round(self._speeds[1], 1),
                seconds_left=round(max(0, total - size) * in_phase / new, 1) if new > 0 else None,
            )
        )
