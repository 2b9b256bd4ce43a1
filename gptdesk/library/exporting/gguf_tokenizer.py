"""The form that a GGUF file has for a model's tokenizer: byte-level BPE, as llama.cpp computes it for GPT-2."""

from __future__ import annotations

from typing import Any, NamedTuple

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.folder_tokenizer import FolderTokenizer
from gptdesk.gpt2.tokenizers.vocabulary_checks import tokens_by_id
from gptdesk.gpt2.vocabulary import gpt2_vocabulary


class GgufVocabulary(NamedTuple):
    """A tokenizer as lists.

    Attributes:
        tokens: text of each token in the letters of bytes, by id.
        merges: pairs of tokens with a space between them, in their order.
        kinds: names of `gguf.TokenType` of the tokens that are not "NORMAL", by id.
    """

    tokens: list[str]
    merges: list[str]
    kinds: dict[int, str]


def gguf_vocabulary(tokenizer: Tokenizer, model: str) -> GgufVocabulary:
    """What a GGUF holds of a tokenizer.

    Args:
        tokenizer: of the model.
        model: its name, for the message.

    Raises:
        UserError: when GGUF has no form for it.
    """
    kinds = dict.fromkeys(tokenizer.special_tokens.values(), "CONTROL")
    if not isinstance(tokenizer, FolderTokenizer):
        tokens, merges = gpt2_vocabulary()
        return GgufVocabulary(list(tokens), list(merges), kinds)
    described = tokenizer.described
    if (reason := _unlike_gpt2(described)) is not None:
        raise UserError(
            f"{model} has a tokenizer for which a GGUF of GPT-2 has no form ({reason}); export it as a folder."
        )
    for token in described["added_tokens"]:
        kinds.setdefault(token["id"], "USER_DEFINED")
    return GgufVocabulary(tokens_by_id(described), [" ".join(pair) for pair in described["model"]["merges"]], kinds)


def _unlike_gpt2(described: dict[str, Any]) -> str | None:
    """What llama.cpp does not do to a text of GPT-2's; None for nothing."""
    model, cutter = described["model"], described.get("pre_tokenizer")
    if model["type"] != "BPE":
        return f"its kind is {model['type']}"
    if described.get("normalizer") is not None:
        return "it changes the text before it cuts it"
    if not isinstance(cutter, dict) or cutter.get("type") != "ByteLevel" or cutter.get("use_regex") is False:
        return "it does not cut words as GPT-2 does"
    if cutter.get("add_prefix_space") is True:
        return "it puts a space before the text"
    if any(model.get(key) for key in ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix")):
        return "its tokens are not those of bytes"
    return None
