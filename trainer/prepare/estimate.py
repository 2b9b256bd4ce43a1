"""Estimates a preparation: tokens (from samples of the files), download size, disk space."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from gptdesk import number_format
from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.arrays import token_kind
from trainer.prepare.broken import Broken
from trainer.prepare.encoding.encode import batch_encoder
from trainer.prepare.formats import FORMATS
from trainer.prepare.plan import Plan, Request, Section
from trainer.prepare.readers import Document, Reader
from trainer.prepare.sources.files import SourceFile
from trainer.prepare.sources.hub import KNOWN_TOKENS
from trainer.prepare.tokenizer_training.typical import TYPICAL_GPT2, typical_bytes_per_token

_HUB_TOKENS_PER_BYTE: Final = 0.36
"""OpenWebText's 9.04 billion tokens are 25 GB of parquet; FineWeb-Edu's ratio is much the same."""

_SAMPLED_FILES: Final = 3
_SAMPLE_BYTES: Final = 2 << 20
_SAMPLE_SECONDS: Final = 2.0
_ENCODED_BYTES: Final = 1 << 18
"""Of each kind of file the largest few are sampled: their beginnings are read, and a part of that encoded."""

_SPARE: Final = 1.05
"""Index, notes and whatever else is small."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Expected size of a preparation.

    Attributes:
        files: to read.
        source_bytes: in them.
        download_bytes: of them that come from the hub.
        tokens: expected.
        result_bytes: expected size of the prepared folder.
        disk_bytes: expected to be needed at most while preparing.
        free_bytes: on the disk now.
    """

    files: int
    source_bytes: int
    download_bytes: int
    tokens: int
    result_bytes: int
    disk_bytes: int
    free_bytes: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate(plan: Plan, folder: Path, *, keep_downloads: bool, downloads_ahead: int) -> Estimate:
    """Estimates what ``plan`` takes when it is carried out into ``folder``.

    Raises:
        UserError: when pyarrow is needed and missing.
    """
    hub = sorted((file.bytes for file in plan.files if file.hub), reverse=True)
    tokens = sum(KNOWN_TOKENS[name] for name in plan.request.sources if name in KNOWN_TOKENS) if hub else 0
    tokens = tokens or int(sum(hub) * _HUB_TOKENS_PER_BYTE)
    kinds: dict[tuple[str, str, float], list[SourceFile]] = {}
    for file in plan.files:
        if not file.hub:
            kinds.setdefault((file.format, file.compression, file.weight), []).append(file)
    sampler = _Sampler(plan)
    for (format, _, weight), files in kinds.items():
        ratio = FORMATS[format].tokens_per_byte or sampler.tokens_per_byte(files)
        tokens += int(weight * ratio * sum(file.bytes for file in files))
    token_bytes = token_kind(_vocab_size(plan.request)).bits // 8
    result = int(token_bytes * tokens * _SPARE)
    merging = min(result, int(token_bytes * plan.request.shard_tokens * _SPARE))
    return Estimate(
        files=len(plan.files),
        source_bytes=sum(file.bytes for file in plan.files),
        download_bytes=sum(hub),
        tokens=tokens,
        result_bytes=result,
        disk_bytes=result + merging + sum(hub if keep_downloads else hub[:downloads_ahead]),
        free_bytes=shutil.disk_usage(_existing(folder)).free,
    )


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())


def _vocab_size(request: Request) -> int:
    """Tokens in the vocabulary; 0, which any kind of number holds, for one that is yet to be made."""
    return request.tokenizer.vocab_size if request.has_tokenizer else request.vocab_size


def _tokens_beside_gpt2(request: Request) -> float:
    """Tokens of a vocabulary that is yet to be made, for each of GPT-2's."""
    return TYPICAL_GPT2 / typical_bytes_per_token(request.vocab_size)


class _Sampler:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        request = plan.request
        self._encoder = batch_encoder(request.tokenizer if request.has_tokenizer else gpt2_tokenizer())
        self._more = 1.0 if request.has_tokenizer else _tokens_beside_gpt2(request)

    def tokens_per_byte(self, files: list[SourceFile]) -> float:
        """Tokens that a byte of these files makes, by samples of the largest."""
        largest = sorted(files, key=lambda file: file.bytes, reverse=True)[:_SAMPLED_FILES]
        tokens, read = 0.0, 0.0
        for file in largest:
            sample, size, source_bytes = self._sample(file)
            if sample and source_bytes:
                encoded = self._encoder.encode(sample)
                part = sum(len(segment) for document in sample for segment in document)
                tokens += encoded.tokens.size * size / part
                read += source_bytes
        return self._more * tokens / read if read else 0.0

    def _sample(self, file: SourceFile) -> tuple[list[Document], int, float]:
        """Some documents, the bytes of text that were read, and the bytes of the file that those are."""
        sample, kept, size = [], 0, 0
        units = Section.make(0, range(1), Plan(self._plan.request, (file,)), [Path(file.path)], strict=False).units
        if not units:
            return [], 0, 0
        span = units[0].spans[0]
        reader = Reader(file, Path(file.path), self._plan.request.settings, Broken(), encoding=span.encoding)
        until, whole = time.monotonic() + _SAMPLE_SECONDS, True
        for document in reader.documents(span.start, span.end):
            size += sum(map(len, document))
            if kept < _ENCODED_BYTES:
                sample.append(document)
                kept = size
            if size >= _SAMPLE_BYTES or time.monotonic() > until:
                whole = False
                break
        return sample, size, (1.0 if whole else reader.share) * span.bytes


def require_room(estimated: Estimate, folder: Path) -> None:
    """Refuses a preparation that needs much more disk space than is free.

    Raises:
        UserError: when much less is free than is expected to be needed.
    """
    if estimated.disk_bytes * 0.8 > estimated.free_bytes:
        raise UserError(
            f"Preparing this needs about {number_format.size(estimated.disk_bytes)} on the disk of {folder}, and "
            f"{number_format.size(estimated.free_bytes)} are free; make room or choose another --out."
        )
