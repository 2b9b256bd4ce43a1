"""Reads the tokenizer in a GGUF file."""

from __future__ import annotations

from typing import Final

from gptdesk.errors import UserError
from gptdesk.library.importing.bpe_tokenizer import Vocabulary
from gptdesk.library.importing.readers.gguf_reader import GGUFFile

_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
"""Types of tokens (``gguf.TokenType``)."""

_NONE: Final = ("", "none", "no_vocab")
_BPE: Final = "gpt2"

_CUTS: Final = ("", "default", "gpt-2", "phi-2", "mpt", "olmo", "jais", "mellum")
"""Names of ways to cut text into words that are GPT-2's (``llama_vocab::impl::load`` of llama.cpp); old files name
none."""


def read_vocabulary(file: GGUFFile) -> Vocabulary | None:
    """The tokenizer; None when the file holds none.

    Raises:
        UserError: when it is no byte-level BPE, or contradicts itself.
    """
    kind, cut = file.text("tokenizer.ggml.model"), file.text("tokenizer.ggml.pre")
    if kind in _NONE:
        return None
    if kind != _BPE or cut not in _CUTS:
        name = kind if kind != _BPE else cut
        raise UserError(f"{file.path} has a tokenizer of the kind {name[:50]!a}; only GPT-2's byte-level BPE is read.")
    texts, merges = file.texts("tokenizer.ggml.tokens"), file.texts("tokenizer.ggml.merges")
    types = file.wholes("tokenizer.ggml.token_type") or [_NORMAL] * len(texts)
    if not texts or not merges or len(types) != len(texts):
        raise UserError(f"{file.path} has a damaged tokenizer: it lacks tokens or merges.")
    while types and types[-1] == _UNUSED:  # rows of the embedding that no token uses
        types.pop()
    tokens = {text: id for id, text in enumerate(texts[: len(types)])}
    if len(tokens) != len(types):
        raise UserError(f"{file.path} has a damaged tokenizer: two of its tokens are the same.")
    return Vocabulary(
        tokens=tokens,
        merges=merges,
        added={text: types[id] == _CONTROL for text, id in tokens.items() if types[id] in (_CONTROL, _USER_DEFINED)},
        end_of_text=file.whole("tokenizer.ggml.eos_token_id"),
        start_of_text=file.whole("tokenizer.ggml.bos_token_id"),
        chat_template=file.text("tokenizer.chat_template"),
    )
