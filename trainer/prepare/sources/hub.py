"""Data sets on the Hugging Face hub: names, files at a pinned revision, resumable downloads."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from gptdesk.errors import UserError
from gptdesk.hub.answers import ask, pages
from gptdesk.hub.digest import HubFile, WrongBytes
from gptdesk.hub.errors import NotThere, not_understood
from gptdesk.hub.transfer import Transfer, TransferStopped
from trainer.prepare.formats import READABLE_SUFFIXES

SHORT_NAMES: Final = {
    # The main branch of the first was a loading script in 2025, and its parquet files a pull request.
    "openwebtext": (
        "Skylion007/openwebtext",
        "Skylion007/openwebtext@refs/pr/18",
        "dylanebert/openwebtext",
        "reedie01/openwebtext",
    ),
    "fineweb-edu": ("HuggingFaceFW/fineweb-edu:sample/10BT",),
}
"""Names without an owner, and what is tried for them in this order."""

KNOWN_TOKENS: Final = {"openwebtext": 9_040_000_000, "fineweb-edu": 10_000_000_000}
"""GPT-2 tokens in them (nanoGPT's data/openwebtext/readme.md; the data set's own name)."""

_NAME: Final = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[^:@]+))?(:(?P<folder>[^:]+))?")
_HELD_OUT: Final = re.compile(r"(^|/)(test|valid|validation|val|dev)\b[^/]*(/|$)", re.IGNORECASE)
"""Files that are meant for measuring; they are left alone."""

MOST_FILES: Final = 100_000
"""Parquet files of one data set; FineWeb, the largest, has some 30,000."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")

_LONGEST_END: Final = 1.0
"""Seconds in which a download is to notice that it is to stop."""


class _Info(msgspec.Struct):
    """What is read of the hub's answer about a data set."""

    sha: str


class _Lfs(msgspec.Struct):
    sha256: str = msgspec.field(default="", name="oid")


class _Entry(msgspec.Struct):
    """A file or folder in the hub's list."""

    type: str
    path: str
    size: int = 0
    lfs: _Lfs | None = None


def looks_like_hub_name(name: str) -> bool:
    """Whether a source that is no file here may be a data set of the hub, and no mistyped path.

    ``owner/name`` may be either. Within a folder that is there, or with the suffix of a readable file, it is a path.
    """
    if name in SHORT_NAMES:
        return True
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    is_path = Path(name).parent.is_dir() or name.lower().endswith(READABLE_SUFFIXES)
    return bool(match["revision"] or match["folder"]) or not is_path


def hub_files(name: str) -> list[HubFile]:
    """The parquet files behind a short name or ``owner/name[@revision][:subfolder]``, pinned to a commit.

    Raises:
        UserError: when there is no such data set, it holds no parquet, or the hub cannot be reached.
    """
    may_be_path = name not in SHORT_NAMES and "@" not in name and ":" not in name
    here = f"There is no file or folder {name} here, and as a data set of the hub: " if may_be_path else ""
    reasons = []
    for candidate in SHORT_NAMES.get(name, (name,)):
        match = _NAME.fullmatch(candidate)
        assert match
        try:
            files = _list(match["repo"], match["revision"], match["folder"])
        except NotThere as error:
            reasons.append(f"{candidate}: {error.reason}")
            continue
        except UserError as error:
            raise UserError(f"{here}{error}") from None
        if files:
            return files
        reasons.append(f"{candidate}: no parquet files")
    form = "" if name in SHORT_NAMES else " Data sets are named owner/name[@revision][:subfolder]."
    raise UserError(f"{here}No data set was found for {name} ({'; '.join(reasons)}).{form}")


def _list(repo: str, revision: str | None, folder: str | None) -> list[HubFile]:
    from huggingface_hub import constants

    place = f"{constants.ENDPOINT}/api/datasets/{repo}"
    commit = _commit(repo, f"{place}/revision/{quote(revision, safe='')}" if revision else place, revision or "")
    below = f"/{quote(folder.strip('/'))}" if folder else ""
    files = []
    for page in pages(f"{place}/tree/{commit}{below}", repo, what="data set", query={"recursive": "true"}):
        for entry in _decoded(repo, page, list[_Entry]):
            if entry.type == "file" and entry.size >= 0 and entry.path.endswith(".parquet"):
                files.append(HubFile(repo, commit, entry.path, entry.size, entry.lfs.sha256 if entry.lfs else ""))
        if len(files) > MOST_FILES:
            raise UserError(f"{repo} has more than {MOST_FILES:,} parquet files; name a folder of it: {repo}:FOLDER.")
    wanted = [file for file in files if not _HELD_OUT.search(_below(file, folder))] or files
    return sorted(wanted, key=lambda file: file.path)


def _commit(repo: str, url: str, revision: str) -> str:
    info: _Info = _decoded(repo, ask(url, repo, what="data set", revision=revision), _Info)
    if not _COMMIT.fullmatch(info.sha):
        raise not_understood(repo)
    return info.sha


def _decoded(repo: str, body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: no UTF-8
        raise not_understood(repo) from error


def _below(file: HubFile, folder: str | None) -> str:
    return file.path.removeprefix(f"{(folder or '').strip('/')}/")


def download(file: HubFile, target: Path, *, arrived: Callable[[int], None], stop: threading.Event) -> None:
    """Downloads ``file`` to ``target``, resuming ``target.part`` if there is one, and checks its contents.

    Args:
        file: what to download.
        target: where it appears when it is whole.
        arrived: called with the bytes that are here, after each block.
        stop: set from outside, it ends the download.

    Raises:
        TransferStopped: when ``stop`` was set.
        UserError: when the hub cannot give it, or gives something else than it lists.
        OSError: when it cannot be written.
    """
    part = target.with_name(target.name + ".part")
    for _ in range(2):
        transfer = Transfer(file, part, stopped=stop, changed=lambda transfer: arrived(transfer.done))
        try:
            transfer.run()
        except WrongBytes:  # perhaps of the part that was here
            continue
        os.replace(part, target)
        return
    raise UserError(f"{file.path} of {file.repo} arrives with other contents than the hub lists; try again later.")


class Downloads:
    """Downloads files one after the other in a thread, at most a few ahead of the reader.

    Args:
        files: what to download and where to, in the order of need.
        ahead: how many may lie on the disk unread.

    Attributes:
        arrived: bytes of all files that are here.
        total: bytes of all files.
    """

    def __init__(self, files: list[tuple[HubFile, Path]], *, ahead: int) -> None:
        self._files = files
        self._room = threading.Semaphore(ahead)
        self._stop = threading.Event()
        self._done: set[Path] = set()
        self._error: BaseException | None = None
        self.total = sum(file.bytes for file, _ in files)
        self.arrived = 0
        self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)
        self._thread.start()

    def is_here(self, target: Path) -> bool:
        """Whether the file is downloaded.

        Raises:
            UserError, OSError: what ended the downloads.
        """
        if self._error is not None:
            raise self._error
        return target in self._done

    def used_up(self) -> None:
        """Marks a file as read, so that the next one may be downloaded."""
        self._room.release()

    def close(self) -> None:
        """Stops; a thread that waits for the hub's answer is left to itself, and writes nothing when it comes."""
        self._stop.set()
        self._room.release()
        self._thread.join(_LONGEST_END)

    def _run(self) -> None:
        before = 0
        try:
            for file, target in self._files:
                self._room.acquire()
                if self._stop.is_set():
                    return
                if not target.exists():
                    download(file, target, arrived=partial(self._count, before), stop=self._stop)
                before += file.bytes
                self.arrived = before
                self._done.add(target)
        except TransferStopped:
            pass
        except BaseException as error:
            self._error = error

    def _count(self, before: int, arrived: int) -> None:
        self.arrived = before + arrived
