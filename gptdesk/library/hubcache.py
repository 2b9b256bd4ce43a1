"""Reads files from the Hugging Face library's cache; never changes it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from gptdesk.library.known_models.known import find_known

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Snapshot(msgspec.Struct, frozen=True):
    """One revision of a model in the cache.

    Attributes:
        repo: ``owner/name``, or a name alone.
        revision: commit.
        path: the folder of links to its files.
    """

    repo: str
    revision: str
    path: Path


def cache_folder() -> Path:
    """Folder of the cache (``HF_HUB_CACHE``, ``HF_HOME``); it may not exist."""
    try:
        from huggingface_hub import constants
    except ValueError:  # when HF_ENDPOINT is no address
        return Path(os.path.expanduser("~"), ".cache", "huggingface", "hub")
    return Path(constants.HF_HUB_CACHE)


def cached_models() -> Iterator[Snapshot]:
    """All revisions of models in the cache, complete or not; the newest of each model first."""
    for folder in _inside(cache_folder()):
        if not folder.name.startswith("models--"):
            continue
        repo = folder.name.removeprefix("models--").replace("--", "/")
        snapshots = [path for path in _inside(folder / "snapshots") if _COMMIT.fullmatch(path.name)]
        for path in sorted(snapshots, key=_changed, reverse=True):
            yield Snapshot(repo, path.name, path)


def cached_file(repo: str, revision: str, path: str) -> Path | None:
    """The file at a commit of a repository; ``None`` when the cache does not hold it completely."""
    for folder in _folders(repo):
        if (place := folder / "snapshots" / revision / path).is_file():
            return place
    return None


def commit_of(repo: str, revision: str) -> str | None:
    """The commit of a branch or tag when the cache was last updated; ``None`` when the cache does not know it."""
    if _COMMIT.fullmatch(revision):
        return revision
    if ".." in Path(revision).parts or os.path.isabs(revision):
        return None
    for folder in _folders(repo):
        try:
            with (folder / "refs" / revision).open(encoding="ascii") as file:
                commit = file.read(100).strip()
        except (OSError, ValueError):
            continue
        if _COMMIT.fullmatch(commit):
            return commit
    return None


def listed_name(file: Path) -> str:
    """The name of a file's blob in the cache: SHA-256 for large files, git's hash for small ones.

    The file's own name where the cache has no links.
    """
    return os.path.basename(os.path.realpath(file))


def listed_hash(file: Path) -> str:
    """The SHA-256 that a cached file should have, from the name of its blob; empty when unknown."""
    name = listed_name(file)
    return name if _SHA256.fullmatch(name) else ""


def _folders(repo: str) -> list[Path]:
    """Folders of a repository in the cache. OpenAI's had names without owner, which programs still use."""
    known = find_known(repo)
    names = [repo, known.name] if known else [repo]
    return [cache_folder() / f"models--{name.replace('/', '--')}" for name in names]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
