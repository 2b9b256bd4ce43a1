"""The tokenizer that a preparation makes from its own text, before it encodes that text."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from trainer.data.tokenizer import TOKENIZER
from trainer.prepare.encoding.blocks import writing
from trainer.prepare.plan import Request
from trainer.prepare.progress import VOCABULARY, Progress
from trainer.prepare.tokenizer_training.train import (
    CHARACTER,
    LARGEST_TEXT,
    MERGE,
    TokenizerProgress,
    TokenizerRequest,
    make_tokenizer,
)

_MADE: Final = ".tokenizer"
"""Folder of the tokenizer until the plan, which names it by its hash, is written; then it moves to `TOKENIZER`."""


def with_made_tokenizer(request: Request, folder: Path) -> Request:
    """The request with the folder of the tokenizer that an earlier call made, if it is to be made from the text."""
    if not request.vocabulary:
        return request
    made = folder / _MADE
    return replace(request, tokenizer_folder=str(made if made.is_dir() else folder / TOKENIZER))


def make_own_tokenizer(request: Request, folder: Path, progress: Callable[[Progress], None]) -> Request:
    """Makes the tokenizer that is asked for and returns the request that uses it.

    Validation text is left out, except where each of its characters needs a token.

    Raises:
        UserError: when it cannot be made, or the folder cannot be written.
    """
    with writing(folder):
        forget_made_tokenizer(folder)
    make_tokenizer(_tokenizer_request(request), folder / _MADE, progress=lambda now: progress(_in_numbers(now)))
    return with_made_tokenizer(request, folder)


def require_possible(request: Request) -> None:
    """Refuses a vocabulary that cannot be made, whatever the text.

    Raises:
        UserError: when its size does not go with its kind.
    """
    if request.vocabulary:
        _tokenizer_request(request)


def forget_made_tokenizer(folder: Path) -> None:
    """Removes what an earlier call, perhaps a killed one, made and did not move to its place."""
    for path in folder.glob(f"*{_MADE}*"):
        if path.name.startswith("."):
            shutil.rmtree(path)


def _tokenizer_request(request: Request) -> TokenizerRequest:
    characters = request.vocabulary == CHARACTER
    return TokenizerRequest(
        sources=(*request.sources, *(request.validation if characters else ())),
        kind=request.vocabulary,
        vocab_size=request.vocab_size,
        column=request.column,
        template=request.template,
        largest_text=sys.maxsize if characters else LARGEST_TEXT,
    )


def _in_numbers(now: TokenizerProgress) -> Progress:
    return Progress(
        phase=VOCABULARY,
        units=0,
        units_total=0,
        documents=0,
        tokens=0,
        bytes=now.bytes_total if now.phase == MERGE else now.bytes,
        bytes_total=now.bytes_total,
        downloaded=0,
        download_total=0,
        broken=0,
        seconds=now.seconds,
        documents_per_s=0.0,
        tokens_per_s=0.0,
        seconds_left=None,
    )
