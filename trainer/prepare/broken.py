"""Counts unusable input by file and reason, with the first place of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from gptdesk.errors import UserError

_REASONS: Final = 30
"""Reasons that are told apart in one file: lines of a million fields must not make a manifest of a million entries."""

OTHER_REASONS: Final = "other reasons"

_SAID: Final = 3
"""Reasons in a sentence."""


@dataclass(frozen=True)
class Found:
    """How often something was found, where first, and bytes of text that were left out for it (0: not known)."""

    count: int
    first: str
    bytes: int


@dataclass
class Broken:
    """Input that was left out.

    Attributes:
        strict: whether anything broken is an error instead.
        found: by file and reason.
    """

    strict: bool = False
    found: dict[tuple[str, str], Found] = field(default_factory=dict)
    _reasons: dict[str, int] = field(default_factory=dict)

    def note(self, file: str, why: str, where: str = "", size: int = 0) -> None:
        """Counts something that cannot be used.

        Args:
            file: its name.
            why: the reason, without a full stop.
            where: it is in the file.
            size: bytes of text that are lost, where that is known.

        Raises:
            UserError: when strict.
        """
        if self.strict:
            place = f" ({where})" if where else ""
            raise UserError(f"{file}{place}: {why}. Repair it, or leave out --strict to skip what is broken.")
        self._count(file, why, Found(1, where, size))

    def add(self, entries: Iterable[dict[str, Any]]) -> None:
        """Adds what `to_json` gave elsewhere.

        Raises:
            UserError: when strict.
        """
        for entry in entries:
            if self.strict:
                self.note(entry["file"], entry["why"], entry["first"])
            self._count(entry["file"], entry["why"], Found(entry["count"], entry["first"], entry.get("bytes", 0)))

    def _count(self, file: str, why: str, new: Found) -> None:
        if (file, why) not in self.found:
            if self._reasons.get(file, 0) >= _REASONS:
                why = OTHER_REASONS
            self._reasons[file] = self._reasons.get(file, 0) + 1
        old = self.found.get((file, why))
        self.found[file, why] = Found(old.count + new.count, old.first, old.bytes + new.bytes) if old else new

    @property
    def count(self) -> int:
        return sum(found.count for found in self.found.values())

    def files(self) -> set[str]:
        """Files of which something was left out, and those that hold them (archives, folders)."""
        return {part for name in self._reasons for part in accumulate(name.split("/"), "{}/{}".format)}

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {"file": file, "why": why, "count": found.count, "first": found.first}
            | ({"bytes": found.bytes} if found.bytes else {})
            for (file, why), found in sorted(self.found.items())
        ]

    def sentences(self) -> str:
        """Why input was left out, most frequent reasons first; empty when none was."""
        entries = sorted(self.to_json(), key=lambda entry: -entry["count"])
        said = [describe(entry) for entry in entries[:_SAID]]
        left = len(entries) - _SAID
        rest = f" And {left:,} more reason{'' if left == 1 else 's'}." if left > 0 else ""
        return " ".join(f"{line}." for line in said) + rest


def describe(entry: dict[str, Any]) -> str:
    """An entry of `Broken.to_json` for a person to read: ``a.txt: not UTF-8 text (3×, first at byte 17, 512 B)``."""
    count, size = entry["count"], entry.get("bytes", 0)
    details = [
        f"{count:,}×" if count > 1 else "",
        f"{'first at ' if count > 1 else ''}{entry['first']}" if entry["first"] else "",
        f"{size:,} bytes of text" if size else "",
    ]
    note = ", ".join(filter(None, details))
    return f"{entry['file']}: {entry['why']}" + (f" ({note})" if note else "")


def names_in_short(names: Sequence[str], most: int = 12) -> str:
    """Names for a sentence, the first few of many."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
