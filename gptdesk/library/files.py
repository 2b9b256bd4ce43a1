"""Copies and hashes model files, checks disk space, and turns disk errors into sentences."""

from __future__ import annotations

import errno
import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gptdesk import number_format
from gptdesk.errors import UserError
from gptdesk.files import sync_file
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.tokenizer_files import complete_tokenizer
from gptdesk.gpt2.tokenizers.loading import brings_tokenizer, load_tokenizer
from gptdesk.hub.transfer import BLOCK

Progress = Callable[[int, int], None]
"""Called with the amount done and the total; an exception from it ends the job, which then leaves no files."""

RESERVE: Final = 64 * 2**20
"""Bytes of the disk that stay free for other programs."""

_FULL: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def silent(done: int, total: int) -> None:
    """Ignores progress."""


def check_room(folder: Path, size: int) -> None:
    """Refuses an operation that does not fit on the disk.

    Raises:
        UserError: when the disk of the folder has less than ``size`` bytes and `RESERVE` left.
    """
    needed, free = max(0, size) + RESERVE, shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"The disk of {folder} is too full: {number_format.size(needed)} are needed, {number_format.size(free)} "
            "are free; make room and try again."
        )


def disk_sentence(error: OSError, folder: Path, what: str) -> str:
    """The sentence for a failed write.

    Args:
        error: of the write.
        folder: in which was written.
        what: name of the operation, such as "download".
    """
    if error.errno in _FULL:
        kept = " The files downloaded so far are kept." if what == "download" else ""
        return f"The disk of {folder} is full; make room and try the {what} again.{kept}"
    if error.errno == errno.EFBIG:
        return f"The disk of {folder} cannot hold a file of this size; choose another disk for the {what}."
    return f"The {what} cannot be written to {folder} ({error.strerror or error})."


def copy_files(files: Iterable[Path], target: Path, progress: Progress, *, name: str = "") -> dict[str, str]:
    """Copies files, following links, and returns their SHA-256 by name.

    Args:
        files: to copy.
        target: the folder.
        progress: in bytes.
        name: of the copy; only for a single file.
    """
    files = list(files)
    total, done = sum(file.stat().st_size for file in files), 0
    hashes = {}
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as source, (target / (name or path.name)).open("wb") as output:
            while block := source.read(4 * BLOCK):
                digest.update(block)
                output.write(block)
                done += len(block)
                progress(done, total)
        sync_file(target / (name or path.name))
        hashes[name or path.name] = digest.hexdigest()
    return hashes


def hash_file(path: Path, advance: Callable[[int], None] = lambda done: None) -> str:
    """SHA-256 of a file; ``advance`` gets the number of bytes read, and may raise an exception to stop."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(4 * BLOCK):
            digest.update(block)
            done += len(block)
            advance(done)
    return digest.hexdigest()


def hash_weights(paths: Sequence[Path], advance: Callable[[int], None] = lambda done: None) -> str:
    """Identity of a model's weights: SHA-256 of its file, or of the hashes of its files, one a line, for several.

    Args:
        paths: as `weight_files` returns them.
        advance: as for `hash_file`.
    """
    hashes = [hash_file(path, advance) for path in paths]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(f"{one}\n" for one in hashes).encode()).hexdigest()


@contextmanager
def disk_errors(folder: Path, what: str) -> Iterator[None]:
    """Makes the folder, and turns `OSError` in the block into a sentence.

    Raises:
        UserError: when the block cannot write.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(disk_sentence(error, folder, what)) from error


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Makes a temporary folder beside ``target``, to be filled and renamed; removes it if it is still there."""
    temporary = target.with_name(f".{target.name[:50]}.{uuid.uuid4().hex[:8]}.part")
    try:
        temporary.mkdir()
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def add_tokenizer(folder: Path, config: GPT2Config) -> list[str]:
    """Adds GPT-2's tokenizer to a folder with OpenAI's vocabulary and no tokenizer; returns names of new files.

    Raises:
        UserError: when the folder brings a tokenizer that is damaged, or that contradicts the model.
    """
    names = complete_tokenizer(folder, vocab_size=config.vocab_size, context=config.n_positions, assumed=True)
    if brings_tokenizer(folder):
        load_tokenizer(folder, config)
    for name in names:
        sync_file(folder / name)
    return names
