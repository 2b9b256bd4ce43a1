"""A prompt as text or as text with special tokens: how it is read, shown and continued. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, encode_mixed

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

Prompt: TypeAlias = str | MixedText
"""Names of special tokens in a `str` are text unless ``special`` is True where it is read."""


def spelled(prompt: Prompt) -> str:
    """The prompt as people read it."""
    return prompt.spelled if isinstance(prompt, MixedText) else prompt


def encode(tokenizer: Tokenizer, prompt: Prompt, *, special: bool) -> list[int]:
    """Token ids of a prompt.

    Raises:
        UserError: when the vocabulary has no token for a part of it.
    """
    if isinstance(prompt, MixedText):
        return encode_mixed(tokenizer, prompt)
    return tokenizer.encode(prompt, allow_special=special)


def continued(prompt: Prompt, text: str) -> Prompt:
    """The prompt with a completion behind it."""
    if isinstance(prompt, MixedText):
        return prompt + MixedText(text.replace(PLACEHOLDER, "\ufffd"))
    return prompt + text
