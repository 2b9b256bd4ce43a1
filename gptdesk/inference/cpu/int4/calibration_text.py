"""The text that int4 is calibrated with: passages of the plays that ship with gptdesk, as the model's tokens."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.resource_files import resource

_TOKENS: Final = 4096
"""With four times as many the bundled model lost as much, within the error of the measurement."""

_LONGEST: Final = 1024
"""Tokens of a passage, which is as long as the context up to here: each position has inputs of its own."""

_CHARACTERS: Final = 6
"""Characters a token that are encoded; few tokenizers need more."""


def calibration_ids(folder: Path, config: GPT2Config) -> npt.NDArray[np.int64]:
    """Some thousand token ids in passages, (passages, T); random ones where the text has none in the model."""
    length = min(config.n_positions, _LONGEST)
    count = -(-_TOKENS // length)
    try:
        tokenizer = load_tokenizer(folder, config)
        text = lzma.decompress(resource("texts", "shakespeare.txt.xz").read_bytes()).decode()
        starts = [len(text) * passage // count for passage in range(count)]
        passages = [tokenizer.encode(text[start : start + _CHARACTERS * length]) for start in starts]
    except (UserError, OSError, lzma.LZMAError):
        return random_ids(config, count, length)
    if not all(passages) or max(map(max, passages)) >= config.vocab_size:
        return random_ids(config, count, length)
    return np.stack([np.resize(np.array(ids, np.int64), length) for ids in passages])  # repeats those of a short one


def random_ids(config: GPT2Config, count: int, length: int) -> npt.NDArray[np.int64]:
    """(count, length) ids, always the same. With them the bundled model loses 1.8 times what it loses with text."""
    return np.random.default_rng(0).integers(config.vocab_size, size=(count, length))
