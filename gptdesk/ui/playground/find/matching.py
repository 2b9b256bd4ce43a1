"""Finds matches of words or of a regular expression in a text, and says what replaces them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import msgspec
from PySide6.QtCore import QRegularExpression, QRegularExpressionMatch

from gptdesk.errors import UserError

MOST_MATCHES: Final = 20_000
"""Matches that are found at most."""

_LIMITS: Final = "(*LIMIT_MATCH=500000)"
"""Before every pattern, so that one with nested repetitions fails instead of searching for hours (PCRE2)."""

_GROUP: Final = re.compile(r"\\(?:([1-9])|([nt\\]))|\$([1-9])")
_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\"}


class Sought(msgspec.Struct, frozen=True):
    """What is searched for.

    Attributes:
        text: words, or a regular expression.
        case: whether capital and small letters differ.
        words: whether only whole words match.
        expression: whether ``text`` is a regular expression, in the syntax of PCRE2.
    """

    text: str
    case: bool = False
    words: bool = False
    expression: bool = False


class Match(msgspec.Struct, frozen=True):
    """A match.

    Attributes:
        start, end: in characters of the text.
        groups: texts of the groups of the expression; the first one is the whole match.
    """

    start: int
    end: int
    groups: tuple[str, ...]


def find_matches(sought: Sought, text: str) -> list[Match]:
    """All matches that are not empty, `MOST_MATCHES` at most.

    Raises:
        UserError: when the expression is wrong, or would take too long; the sentence says where.
    """
    if not sought.text:
        return []
    pattern = _pattern(sought)
    matches: list[QRegularExpressionMatch] = []
    found = pattern.globalMatch(text)
    while found.hasNext() and len(matches) < MOST_MATCHES:
        match = found.next()
        if match.capturedLength() > 0:
            matches.append(match)
    if not matches and _gave_up(pattern, text):
        raise UserError("This regular expression takes too long on this text; make it simpler.")
    return _in_characters(matches, text)


def replacement(sought: Sought, match: Match, template: str) -> str:
    """The text that replaces a match.

    For a regular expression, ``$1`` or ``\\1`` in ``template`` is its first group, ``\\n`` a line end, ``\\t`` a tab.
    """
    if not sought.expression:
        return template

    def fill(found: re.Match[str]) -> str:
        number = found[1] or found[3]
        if not number:
            return _ESCAPES[found[2]]
        return match.groups[int(number)] if int(number) < len(match.groups) else ""

    return _GROUP.sub(fill, template)


def _pattern(sought: Sought) -> QRegularExpression:
    source = sought.text if sought.expression else QRegularExpression.escape(sought.text)
    options = QRegularExpression.PatternOption
    chosen = options.UseUnicodePropertiesOption | options.MultilineOption
    if not sought.case:
        chosen |= options.CaseInsensitiveOption
    alone = QRegularExpression(source, chosen)
    if not alone.isValid():
        place = alone.patternErrorOffset() + 1
        raise UserError(f"The regular expression is wrong at character {place}: {alone.errorString()}.")
    return QRegularExpression(_LIMITS + (rf"(?<!\w)(?:{source})(?!\w)" if sought.words else source), chosen)


def _gave_up(pattern: QRegularExpression, text: str) -> bool:
    """Whether the first match was not found because of the limit: PCRE2 then reports an invalid match."""
    return not pattern.match(text).isValid()


def _in_characters(matches: Sequence[QRegularExpressionMatch], text: str) -> list[Match]:
    """Converts Qt's positions, in UTF-16 code units, to characters."""
    spans = [(match.capturedStart(), match.capturedEnd()) for match in matches]
    if any(letter > "\uffff" for letter in text):
        ends = list(accumulate(2 if letter > "\uffff" else 1 for letter in text))
        characters = {0: 0} | {end: index for index, end in enumerate(ends, 1)}
        spans = [(characters.get(start, 0), characters.get(end, len(text))) for start, end in spans]
    return [Match(start, end, tuple(match.capturedTexts())) for (start, end), match in zip(spans, matches, strict=True)]
