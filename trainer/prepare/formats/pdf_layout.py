"""Joins lines of PDF pages into paragraphs; drops running heads, page numbers and end-of-line hyphens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

_MARGIN_LINES: Final = 2
"""Lines at the top and at the bottom of a page that may be running heads or feet."""

_LEAST_PAGES: Final = 3
_EVERY: Final = 4
"""A line is a running head if it stands at one place on so many pages, one in so many at least from the first to the
last of them: left and right pages may have one each, and each chapter its own."""

_NUMBER: Final = re.compile(
    r"\W*(?:page|seite|p\.|s\.)?\s*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von)\s*\d{1,4})?\W*", re.I
)
_DIGITS: Final = re.compile(r"\d+")
_SENTENCE_END: Final = re.compile(r"""[.!?:…]["'”’»)\]]*$""")
_HYPHENATED: Final = re.compile(r"([^\W\d_]+)[-\u00ad\u2010]$")
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BULLETS: Final = "•▪●◦‣∙■□➢✓"
_LIGATURES: Final = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\x00": ""}
)

_SHORT: Final = 0.8
"""A line shorter than so much of the usual one can end a paragraph."""


_MOST_BLANK: Final = 0.4
"""With a larger share of blank lines there is one after each, and they mean nothing."""


def text_of_pages(pages: Sequence[Sequence[str]]) -> str:
    """The text of pages, each a list of lines, in paragraphs."""
    cleaned = [[line.translate(_LIGATURES).strip() for line in lines] for lines in pages]
    return join_lines(line for lines in without_margins(cleaned) for line in lines)


def without_margins(pages: Sequence[list[str]]) -> list[list[str]]:
    """The pages without running heads, running feet and page numbers."""
    filled = [i for i, lines in enumerate(pages) if any(lines)]
    places = {i: _margin(pages[i]) for i in filled}
    heads = _running_heads(pages, places)
    result = []
    for i, lines in enumerate(pages):
        margin = places.get(i, {})
        repeated = set[int]()
        for place, at in margin.items():  # from the edge inwards
            outer = margin.get(place + (1 if place < 0 else -1))
            if (place in (0, -1) or outer in repeated) and (place, _pattern(lines[at])) in heads:
                repeated.add(at)
        numbers = {margin[place] for place in (0, -1) if place in margin and _NUMBER.fullmatch(lines[margin[place]])}
        numbers = numbers if len(filled) > 1 else set()
        # Under a running head that has gone the number may come second.
        for place in (1, -2):
            outer = margin.get(0 if place > 0 else -1)
            if place in margin and outer in repeated | numbers and _NUMBER.fullmatch(lines[margin[place]]):
                numbers.add(margin[place])
        result.append([line for at, line in enumerate(lines) if at not in repeated | numbers])
    return result


def _running_heads(pages: Sequence[list[str]], places: Mapping[int, Mapping[int, int]]) -> set[tuple[int, str]]:
    """Lines that return at the same place of pages: the place and the line's pattern."""
    seen: dict[tuple[int, str], list[int]] = {}
    for i, margin in places.items():
        for place, at in margin.items():
            seen.setdefault((place, _pattern(pages[i][at])), []).append(i)
    return {line for line, on in seen.items() if len(on) >= _LEAST_PAGES and on[-1] - on[0] < _EVERY * len(on)}


def _margin(lines: Sequence[str]) -> dict[int, int]:
    """Where the first and the last lines of a page stand, by 0, 1, ... from the top and -1, -2, ... from the bottom."""
    filled = [at for at, line in enumerate(lines) if line]
    count = min(_MARGIN_LINES, len(filled) // 2) or len(filled)
    return {i: filled[i] for i in range(count)} | {-1 - i: filled[-1 - i] for i in range(count)}


def _pattern(line: str) -> str:
    return _DIGITS.sub("#", line).casefold()


def join_lines(lines: Iterable[str]) -> str:
    """Paragraphs of lines: a blank line ends one, and so does a short line that ends a sentence or precedes a capital.

    A word that was divided at the end of a line is put together, unless the text has it with the hyphen elsewhere.
    """
    all_lines = list(lines)
    if all_lines.count("") > len(all_lines) * _MOST_BLANK:
        all_lines = [line for line in all_lines if line]
    usual = median([len(line) for line in all_lines if line] or [0])
    words = Counter(word.casefold() for line in all_lines for word in _WORD.findall(line))
    paragraphs: list[str] = []
    text = ""
    for i, line in enumerate(all_lines):
        if not line:
            if text and not _goes_on(text, _next_filled(all_lines, i)):
                paragraphs.append(text)
                text = ""
            continue
        text = _joined(text, line, words) if text else line
        following = all_lines[i + 1] if i + 1 < len(all_lines) else ""
        if following and _ends(line, following, usual):
            paragraphs.append(text)
            text = ""
    return "\n\n".join([*paragraphs, text] if text else paragraphs)


def _next_filled(lines: Sequence[str], after: int) -> str:
    return next((line for line in lines[after + 1 : after + 6] if line), "")


def _goes_on(text: str, following: str) -> bool:
    """Whether a sentence goes on after blank lines, as at the end of a page."""
    return bool(following) and following[0].islower() and not _SENTENCE_END.search(text)


def _ends(line: str, following: str, usual: float) -> bool:
    if following[0] in _BULLETS:
        return True
    if len(line) >= _SHORT * usual or following[0].islower():
        return False
    return bool(_SENTENCE_END.search(line)) or line[-1] not in ",;-–—"


def _joined(text: str, line: str, words: Counter[str]) -> str:
    divided = _HYPHENATED.search(text)
    rest = _WORD.match(line)
    if divided is None or rest is None or not line[0].islower():
        return f"{text} {line}"
    first, second = divided[1].casefold(), rest[0].casefold()
    kept = text[-1] == "-" and words[f"{first}-{second}"] > words[first + second]
    return text + line if kept else text[:-1] + line
