"""Special tokens in rendered templates: the template's own are tokens, those that a message spells stay text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from gptdesk.chat.templates.template import END_OF_TEXT_ROLE
from gptdesk.chat.turns import ChatTurn
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, can_stand_in_text

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_DEFAULT_ROLES: Final = ("bos_token", END_OF_TEXT_ROLE, "unk_token")
"""Roles of the one special token of OpenAI's tokenizer, as ``GPT2Tokenizer`` of `transformers` has them."""

_PRIVATE: Final = [chr(code) for code in range(0xE000, 0xF8FF)]
"""Characters that mean nothing, of which one is found that a conversation does not use."""


def special_variables(tokenizer: Tokenizer) -> dict[str, str]:
    """Names of special tokens by the variables of templates, as ``special_tokens_map`` of `transformers` has them."""
    from gptdesk.gpt2.tokenizers.folder_tokenizer import FolderTokenizer

    if isinstance(tokenizer, FolderTokenizer):
        named = dict(tokenizer.roles)
    else:
        named = {role: name for role in _DEFAULT_ROLES for name in tokenizer.special_tokens}
    if END_OF_TEXT_ROLE not in named:
        ends = (name for name, id in tokenizer.special_tokens.items() if id == tokenizer.end_of_text)
        named[END_OF_TEXT_ROLE] = next(ends, "")
    return named


def unused_characters(texts: Iterable[str], count: int) -> list[str]:
    """Characters without meaning that occur in none of the texts."""
    used = set().union(*(set(text) for text in texts))
    return [letter for letter in _PRIVATE if letter not in used][:count]


class SpecialNames:
    """Tells special tokens of a template from text that spells them.

    Args:
        names: of the special tokens.
    """

    def __init__(self, names: Iterable[str]) -> None:
        found = sorted((name for name in names if can_stand_in_text(name)), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, found))) if found else None

    def shield(self, turns: Sequence[ChatTurn], mark: str) -> list[ChatTurn]:
        """The turns with ``mark`` within each name of a special token that a message or a speaker's name spells."""
        return [replace(turn, text=self._broken(turn.text, mark), name=self._broken(turn.name, mark)) for turn in turns]

    def read(self, text: str, mark: str) -> MixedText:
        """A rendered text, with a placeholder for each special token of the template, and without marks."""
        text = text.replace(PLACEHOLDER, "\ufffd")
        if self._pattern is None:
            return MixedText(text.replace(mark, ""))
        names = tuple(self._pattern.findall(text))
        return MixedText(self._pattern.sub(PLACEHOLDER, text).replace(mark, ""), names)

    def at_start(self, text: str) -> str:
        """The name of the special token with which a text begins; empty for none."""
        match = self._pattern.match(text) if self._pattern is not None else None
        return match[0] if match is not None else ""

    def _broken(self, text: str, mark: str) -> str:
        while self._pattern is not None and self._pattern.search(text):
            text = self._pattern.sub(lambda match: match[0][:1] + mark + match[0][1:], text)
        return text
