"""What was wrong with the input: counted by file and reason, with the first place of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gptdesk.gpt2.errors import UserError


@dataclass
class Broken:
    """Input that was left out.

    Attributes:
        strict: whether anything broken is an error instead.
        found: file and reason, and for each how often and where first.
    """

    strict: bool = False
    found: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def note(self, file: str, why: str, where: str = "") -> None:
        """Counts something that cannot be used.

        Raises:
            UserError: when strict.
        """
        if self.strict:
            place = f" ({where})" if where else ""
            raise UserError(f"{file}{place}: {why}. Mend it, or leave out --strict to skip what is broken.")
        count, first = self.found.get((file, why), (0, where))
        self.found[file, why] = count + 1, first

    def add(self, entries: Iterable[dict[str, Any]]) -> None:
        """Adds what `to_json` gave elsewhere.

        Raises:
            UserError: when strict.
        """
        for entry in entries:
            count, first = self.found.get((entry["file"], entry["why"]), (0, entry["first"]))
            self.note(entry["file"], entry["why"], entry["first"])
            self.found[entry["file"], entry["why"]] = count + entry["count"], first

    @property
    def count(self) -> int:
        return sum(count for count, _ in self.found.values())

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {"file": file, "why": why, "count": count, "first": first}
            for (file, why), (count, first) in sorted(self.found.items())
        ]
