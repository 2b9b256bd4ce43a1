"""Texts that ship with the program, by short name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.resource_files import resource


@dataclass(frozen=True)
class BundledText:
    """A text that ships with the program.

    Attributes:
        name: that stands for it in the place of a path.
        title: for people.
        description: one sentence for people.
        file: in ``resources/texts``.
        bytes: of text, unpacked.
    """

    name: str
    title: str
    description: str
    file: str
    bytes: int

    @property
    def path(self) -> Path:
        """Where it is on this computer."""
        return resource("texts", self.file)


BUNDLED_TEXTS: Final = {
    text.name: text
    for text in (
        BundledText(
            "shakespeare",
            "Tiny Shakespeare",
            "Plays by William Shakespeare, 1.1 MB; comes with gptdesk.",
            "shakespeare.txt.xz",
            1_115_394,
        ),
    )
}
"""By name. A file or folder of that name in the current folder comes first."""
