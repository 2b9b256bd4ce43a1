"""Compares two texts word by word. No Qt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from gptdesk.ui.playground.editing.view_text import difference

_WORD: Final = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")
_SENTENCE: Final = re.compile(r"[^.!?\n]*[.!?\n]+\s*|[^.!?\n]+")

_MOST_PAIRS: Final = 1_000_000
"""Words of one text times words of the other that are compared at once, which takes at most about 0.3 s."""

_MOST_SENTENCES: Final = 4_000_000
"""The same of sentences, most of which differ."""


@dataclass(frozen=True)
class Part:
    """A stretch of both texts.

    Attributes:
        left: text in the first one.
        right: text in the second one.
    """

    left: str
    right: str

    @property
    def same(self) -> bool:
        """Whether both texts have it."""
        return self.left == self.right


def compare(left: str, right: str) -> list[Part]:
    """The parts of two texts, shared and different ones, so that they add up to the texts.

    What stands before and behind all differences is found exactly. Between, words are compared; in very long texts
    sentences first, and then the words of those that differ. Small chance matches between different passages are
    not counted as shared (semantic cleanup of Google's diff-match-patch, N. Fraser).
    """
    start, left_end, right_end = difference(left, right)
    start = _word_start(left, right, start)
    left_end, right_end = _word_end(left, left_end), _word_end(right, right_end)
    middle = _clean(_words(left[start:left_end], right[start:right_end], _MOST_PAIRS))
    parts = [Part(left[:start], left[:start]), *middle, Part(left[left_end:], right[right_end:])]
    return [part for part in _joined(parts) if part.left or part.right]


def _word_start(left: str, right: str, start: int) -> int:
    """Where the word begins in which the texts part; a space before it goes with it, as in tokens."""
    inside = start < max(len(left), len(right)) and any(_is_word(text, start) for text in (left, right))
    while inside and start and _is_word(left, start - 1):
        start -= 1
    return start - 1 if left[start - 1 : start] == " " else start


def _word_end(text: str, end: int) -> int:
    """Where the word ends in which the texts meet again."""
    while 0 < end < len(text) and _is_word(text, end - 1) and _is_word(text, end):
        end += 1
    return end


def _is_word(text: str, place: int) -> bool:
    return place < len(text) and (text[place].isalnum() or text[place] == "_")


def _words(left: str, right: str, most: int) -> list[Part]:
    """Compares words, or sentences first where the words are too many."""
    a, b = _WORD.findall(left), _WORD.findall(right)
    if len(a) * len(b) <= most:
        return _matched(a, b)
    sentences = _SENTENCE.findall(left), _SENTENCE.findall(right)
    if len(sentences[0]) * len(sentences[1]) > _MOST_SENTENCES:
        return [Part(left, right)]
    parts: list[Part] = []
    for part in _joined(_matched(*sentences)):
        count = 0 if part.same else len(_WORD.findall(part.left)) * len(_WORD.findall(part.right))
        if count > most or part.same:
            parts.append(part)
        else:
            most -= count
            parts += _words(part.left, part.right, count)
    return parts


def _matched(a: Sequence[str], b: Sequence[str]) -> list[Part]:
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return [Part("".join(a[i:j]), "".join(b[k:m])) for _, i, j, k, m in matcher.get_opcodes()]


def _clean(parts: Iterable[Part]) -> list[Part]:
    """Joins a shared part with its neighbours where it is no longer than the differences on either side."""
    done: list[Part] = []
    for part in _joined(parts):
        done.append(part)
        while len(done) > 2 and not done[-1].same and _is_chance(*done[-3:]):
            first, second, third = done[-3:]
            joined = Part(first.left + second.left + third.left, first.right + second.right + third.right)
            done[-3:] = [joined]
    return done


def _is_chance(before: Part, shared: Part, behind: Part) -> bool:
    length = len(shared.left)
    return (
        not before.same
        and length <= max(len(before.left), len(before.right))
        and length <= max(len(behind.left), len(behind.right))
    )


def _joined(parts: Iterable[Part]) -> list[Part]:
    """The same without empty parts, and with one part where several neighbours are all shared or all different."""
    joined: list[Part] = []
    for part in parts:
        if not part.left and not part.right:
            continue
        if joined and joined[-1].same == part.same:
            joined[-1] = Part(joined[-1].left + part.left, joined[-1].right + part.right)
        else:
            joined.append(part)
    return joined
