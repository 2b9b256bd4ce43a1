"""Data sets of the Hugging Face hub: names, files at a pinned revision, and downloads that go on where they stopped."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

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

_OFFLINE: Final = "The hub is needed for {}, but HF_HUB_OFFLINE is set; unset it."
_PASSING: Final = (408, 429, 500, 502, 503, 504)
"""Answers that may be others in a moment."""

_CHUNK: Final = 1 << 20
_TRIES: Final = 6
"""Failures in a row, without a byte gained, after which a download is given up."""

_LONGEST_WAIT: Final = 30.0
_LONGEST_END: Final = 1.0
"""Seconds: of waiting for the next try, and for a download to notice that it is to stop."""


@dataclass(frozen=True)
class HubFile:
    """A file at one commit of a data set.

    Attributes:
        repo: ``owner/name``.
        revision: commit, 40 hexadecimal digits.
        path: inside the repository.
        bytes: its size.
        sha256: in hexadecimal; empty where the hub does not say.
    """

    repo: str
    revision: str
    path: str
    bytes: int
    sha256: str


class DownloadStopped(Exception):
    """The download was told to stop; what has come is kept."""


def looks_like_hub_name(name: str) -> bool:
    """Whether a source that is no file here may be a data set of the hub."""
    return name in SHORT_NAMES or _NAME.fullmatch(name) is not None


def hub_files(name: str) -> list[HubFile]:
    """The parquet files behind a short name or ``owner/name[@revision][:subfolder]``, pinned to a commit.

    Raises:
        UserError: when there is no such data set, it holds no parquet, or the hub cannot be reached.
    """
    reasons = []
    for candidate in SHORT_NAMES.get(name, (name,)):
        match = _NAME.fullmatch(candidate)
        assert match
        try:
            files = _list(match["repo"], match["revision"], match["folder"])
        except _NotThere as reason:
            reasons.append(f"{candidate}: {reason}")
            continue
        if files:
            return files
        reasons.append(f"{candidate}: no parquet files")
    raise UserError(
        f"No data set was found for {name} ({'; '.join(reasons)}). "
        "If a file or folder was meant, there is none of that name; else give owner/name[@revision][:subfolder]."
    )


class _NotThere(Exception):
    pass


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """Turns what the hub's library raises into `_NotThere` or into the person's sentence."""
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise UserError(_OFFLINE.format(repo)) from None
    except errors.GatedRepoError:
        raise UserError(
            f"{repo} is given only to those who accepted its terms: do so on its page, then set HF_TOKEN."
        ) from None
    except errors.RevisionNotFoundError:
        raise _NotThere("no such revision") from None
    except errors.RepositoryNotFoundError:
        raise _NotThere("no such data set, or a private one (set HF_TOKEN)") from None
    except errors.RemoteEntryNotFoundError:
        raise _NotThere("no such folder or file") from None
    except (errors.HfHubHTTPError, errors.HTTPError, errors.HFValidationError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise UserError(f"The hub could not be asked for {repo}: {reason}. Is there a connection?") from None


def _list(repo: str, revision: str | None, folder: str | None) -> list[HubFile]:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    with _hub_errors(repo):
        commit = api.dataset_info(repo, revision=revision).sha
        assert commit
        tree = api.list_repo_tree(repo, folder, recursive=True, revision=commit, repo_type="dataset")
        files = [entry for entry in tree if isinstance(entry, RepoFile) and entry.path.endswith(".parquet")]
    wanted = [file for file in files if not _HELD_OUT.search(_below(file, folder))] or files
    return [
        HubFile(repo, commit, file.path, file.size, file.lfs.sha256 if file.lfs else "")
        for file in sorted(wanted, key=lambda file: file.path)
    ]


def _below(file: RepoFile, folder: str | None) -> str:
    return file.path.removeprefix(f"{(folder or '').strip('/')}/")


def download(file: HubFile, target: Path, *, arrived: Callable[[int], None], stop: threading.Event) -> None:
    """Downloads ``file`` to ``target``, going on with ``target.part`` if there is one, and checks its SHA-256.

    Args:
        file: what to download.
        target: where it appears when it is whole.
        arrived: told how many bytes are here, after each MiB.
        stop: set from outside, it ends the download.

    Raises:
        DownloadStopped: when ``stop`` was set.
        UserError: when the hub cannot give it, or gives something else than it lists.
        OSError: when it cannot be written.
    """
    part = target.with_name(target.name + ".part")
    failures, wrong = 0, 0
    while wrong < 2:
        had = _size(part)
        try:
            _fetch(file, part, arrived, stop)
        except _Interrupted as error:
            failures = 1 if _size(part) > had else failures + 1
            if failures == _TRIES:
                raise UserError(
                    f"The download of {file.path} from {file.repo} broke off ({error}); run the same command to go on."
                ) from None
            if stop.wait(min(_LONGEST_WAIT, 2.0**failures / 2)):
                raise DownloadStopped from None
            continue
        if _size(part) == file.bytes and file.sha256 in ("", _sha256(part, stop)):
            os.replace(part, target)
            return
        part.unlink()
        wrong += 1
    raise UserError(f"{file.path} of {file.repo} arrives with other contents than the hub lists; try again later.")


class _Interrupted(Exception):
    """Something that may be over in a moment."""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(file: HubFile, part: Path, arrived: Callable[[int], None], stop: threading.Event) -> None:
    """Appends to ``part`` what is missing of the file."""
    from huggingface_hub import constants, errors, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    have = _size(part)
    if have >= file.bytes:
        return
    url = hf_hub_url(file.repo, file.path, repo_type="dataset", revision=file.revision)
    headers = build_hf_headers() | {"Accept-Encoding": "identity", "Range": f"bytes={have}-"}
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    try:
        with get_session().stream("GET", url, headers=headers, follow_redirects=True, timeout=timeout) as response:
            if response.status_code in _PASSING:
                raise _Interrupted(f"the hub answered {response.status_code}")
            with _hub_errors(file.repo):
                hf_raise_for_status(response)
            if stop.is_set():
                raise DownloadStopped
            # A server may send all of it although only the rest was asked for.
            with part.open("ab" if response.status_code == 206 else "wb") as output:
                for chunk in response.iter_bytes(_CHUNK):
                    if stop.is_set():
                        raise DownloadStopped
                    output.write(chunk)
                    arrived(output.tell())
                output.flush()
                os.fsync(output.fileno())
    except errors.OfflineModeIsEnabled:
        raise UserError(_OFFLINE.format(file.repo)) from None
    except errors.HTTPError as error:
        raise _Interrupted(str(error).split("\n")[0].rstrip(".") or type(error).__name__) from None
    except _NotThere as error:
        raise UserError(f"{file.repo} no longer gives {file.path}: {error}.") from None
    if _size(part) < file.bytes:
        raise _Interrupted("the connection ended early")


def _sha256(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
            if stop.is_set():
                raise DownloadStopped
    return digest.hexdigest()


class Downloads:
    """Downloads files one after the other in a thread of its own, at most a few ahead of who reads them.

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
        """Whether the file has come.

        Raises:
            UserError, OSError: what ended the downloads.
        """
        if self._error is not None:
            raise self._error
        return target in self._done

    def used_up(self) -> None:
        """Says that a file has been read, so that another may come."""
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
        except DownloadStopped:
            pass
        except BaseException as error:
            self._error = error

    def _count(self, before: int, arrived: int) -> None:
        self.arrived = before + arrived
