"""Why a chat template cannot be rendered, and how much it may render."""

from __future__ import annotations

from typing import Final

LARGEST: Final = 16 << 20
"""Characters that a template may render."""

MEMORY: Final = 1 << 30
"""Bytes that the process may use that renders templates of strangers."""


class TemplateFailed(Exception):
    """A template cannot be rendered.

    Attributes:
        sentence: why; a clause about the template, or the words of its author.
        of_author: whether the template itself raised it.
    """

    def __init__(self, sentence: str, *, of_author: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.of_author = sentence, of_author
