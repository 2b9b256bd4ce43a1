"""Detects sources that changed after a folder was prepared from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from trainer.prepare.plan import Plan
from trainer.prepare.sources.bundled import BUNDLED_TEXTS
from trainer.prepare.sources.files import SourceFile, find_files

HASHED_BYTES: Final = 16 << 20
"""Files up to this size are known by their contents, so that a copied or touched one is the same; of larger ones size
and time of change are looked at."""

_SAID: Final = 3


def with_hashes(files: Iterable[SourceFile]) -> tuple[SourceFile, ...]:
    """The files with the SHA-256 of those on this computer that are small; one that cannot be read has none."""
    return tuple(
        replace(file, sha256=_hash(file)) if not file.hub and not file.sha256 and file.bytes <= HASHED_BYTES else file
        for file in files
    )


def refuse_changes(plan: Plan, folder: Path) -> None:
    """Refuses to take a finished folder for what its sources would give now.

    A source that is gone is no change: what was prepared from it is all there. The hub is not asked; there a commit
    stands for the files.

    Args:
        plan: that the folder was prepared by.
        folder: for the sentence.

    Raises:
        UserError: naming files that are new or have changed.
    """
    before = {file.path: file for file in plan.files if file.path}
    found = []
    for file in _files_now(plan, folder):
        if file.path not in before:
            found.append(f"{file.name} is new")
        elif _differs(before[file.path], file):
            found.append(f"{file.name} has changed")
    if found:
        more = f" and {len(found) - _SAID:,} more" if len(found) > _SAID else ""
        raise UserError(
            f"The sources are others than {folder} was prepared from ({', '.join(found[:_SAID])}{more}). "
            "To prepare them as they are now, choose another folder with --out, or remove that one first."
        )


def _files_now(plan: Plan, folder: Path) -> list[SourceFile]:
    named = (*plan.request.sources, *plan.request.validation)
    files = []
    for source in named:
        if source not in BUNDLED_TEXTS and Path(source).exists():
            try:
                files += find_files([source], split="", avoid=folder)
            except UserError:
                continue  # a folder in which nothing is left to read
    return files


def _differs(before: SourceFile, now: SourceFile) -> bool:
    if before.bytes != now.bytes:
        return True
    return before.modified != now.modified and (not before.sha256 or _hash(now) != before.sha256)


def _hash(file: SourceFile) -> str:
    try:
        with Path(file.path).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""
