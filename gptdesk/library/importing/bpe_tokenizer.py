"""Writes the tokenizer of an imported model into its folder, as ``transformers`` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gptdesk.files import sync_file
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.gpt2.tokenizers.folder_files import GENERATION_CONFIG, MERGES, TOKENIZER_CONFIG, VOCABULARY
from gptdesk.gpt2.vocabulary import gpt2_vocabulary


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """A byte-level BPE.

    Attributes:
        tokens: ids of all tokens by text, in the letters that OpenAI wrote bytes with; added ones in plain text.
        merges: pairs of texts with a space between them, the first ones first.
        added: tokens that are cut out of a text before all others, and whether they are special.
        end_of_text: id of the token that ends a text; None when there is none.
        start_of_text: id of the token that begins one; ``end_of_text`` when not given.
        chat_template: how a conversation becomes text, in Jinja; none when empty.
    """

    tokens: Mapping[str, int]
    merges: Sequence[str]
    added: Mapping[str, bool] = field(default_factory=dict)
    end_of_text: int | None = None
    start_of_text: int | None = None
    chat_template: str = ""

    @property
    def is_openais(self) -> bool:
        """Whether it is GPT-2's own, which the program ships."""
        if len(self.tokens) != VOCAB_SIZE or self.chat_template:
            return False
        texts, merges = gpt2_vocabulary()
        return tuple(self.merges) == merges and all(self.tokens.get(text) == id for id, text in enumerate(texts))


def write_tokenizer(folder: Path, vocabulary: Vocabulary, *, context: int) -> None:
    """Writes ``vocab.json``, ``merges.txt`` and the configs; nothing for OpenAI's own, which every model is given.

    Args:
        folder: of the model.
        vocabulary: what the tokenizer consists of.
        context: the model's longest context, in tokens.

    Raises:
        OSError: when it cannot be written.
    """
    if vocabulary.is_openais:
        return
    end, start = vocabulary.end_of_text, vocabulary.start_of_text
    ids = {"bos_token_id": end if start is None else start, "eos_token_id": end}
    files = {
        VOCABULARY: _json(dict(vocabulary.tokens)),
        MERGES: "".join(f"{line}\n" for line in ("#version: 0.2", *vocabulary.merges)),
        TOKENIZER_CONFIG: _json(_config(vocabulary, ids, context)),
    }
    if end is not None:
        files[GENERATION_CONFIG] = _json(ids)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8", "replace"))
        sync_file(folder / name)


def _config(vocabulary: Vocabulary, ids: Mapping[str, int | None], context: int) -> dict[str, Any]:
    texts = {id: text for text, id in vocabulary.tokens.items()}
    named = {name.removesuffix("_id"): texts[id] for name, id in ids.items() if id is not None and id in texts}
    added = dict.fromkeys(named.values(), True) | dict(vocabulary.added)
    in_order = sorted(added, key=vocabulary.tokens.__getitem__)
    decoder = {str(vocabulary.tokens[text]): {"content": text, "special": added[text], **_PLAIN} for text in in_order}
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": decoder,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
        "model_max_length": context,
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": named.get("eos_token"),
        **named,
        **({"chat_template": vocabulary.chat_template} if vocabulary.chat_template else {}),
    }


_PLAIN: Final = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
"""How an added token is matched: exactly, wherever it stands."""


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
