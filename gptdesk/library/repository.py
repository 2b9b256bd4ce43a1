"""A model's repository on the hub: its commit, and the files of it that gptdesk loads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import CONFIG_FILE, INDEX_FILE, LARGEST_JSON, WEIGHTS_FILE
from gptdesk.gpt2.tokenizers.folder_files import LARGEST, TOKENIZER_FILES, check_form
from gptdesk.hub.answers import ask
from gptdesk.hub.digest import HubFile
from gptdesk.hub.errors import not_understood
from gptdesk.library import hubcache
from gptdesk.library.known_models.known import Known, find_known

PICKLE_FILE: Final = "pytorch_model.bin"
"""Pickled weights, the format before safetensors; converted after the download, and never unpickled with code."""

COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_NAME: Final = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[^@\s]+))?")
_SHARD: Final = re.compile(r"model-\d{1,6}-of-\d{1,6}\.safetensors")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class _Lfs(msgspec.Struct):
    """A large file, as the hub lists it."""

    size: int
    sha256: str = ""


class _Sibling(msgspec.Struct):
    """A file of a repository, as the hub lists it."""

    rfilename: str
    size: int | None = None
    blob: str | None = msgspec.field(default=None, name="blobId")
    lfs: _Lfs | None = None


class _Info(msgspec.Struct):
    """The used part of the hub's answer; files are decoded separately, so that an invalid one costs no other.

    See https://huggingface.co/docs/hub/api#get-apimodelsrepoid-or-apimodelsrepoidrevisionrevision.
    """

    sha: str
    siblings: list[msgspec.Raw] = []
    tags: Any = None


class Repository(msgspec.Struct, frozen=True):
    """The files to download from a repository.

    Attributes:
        repo: ``owner/name``.
        revision: commit.
        files: in the order of the download, the config first.
        licence: as the model card names it; empty when it names none.
    """

    repo: str
    revision: str
    files: tuple[HubFile, ...]
    licence: str = ""

    @property
    def bytes(self) -> int:
        """Size of all files, in bytes."""
        return sum(file.bytes for file in self.files)


def parse_name(name: str) -> tuple[str, str, Known | None]:
    """Splits what a person typed into repository, revision ("": pinned or newest), and the known model, if any.

    Raises:
        UserError: when it is not the name of a repository.
    """
    bare, _, revision = name.strip().partition("@")
    if (known := find_known(bare)) is not None:
        return known.repo, revision, known
    match = _NAME.fullmatch(name.strip())
    if match is None or ".." in name or "--" in match["repo"]:
        raise UserError(f"{name[:100]!a} is no name of a model on the hub: names look like owner/name.")
    return match["repo"], match["revision"] or "", None


def find_repository(repo: str, revision: str = "") -> Repository:
    """Lists the files of a model, from the cache if it is complete there, else from the hub.

    Args:
        repo: ``owner/name``.
        revision: branch, tag or commit; a known model's pinned one when empty, else the newest.

    Raises:
        UserError: when there is no such model, gptdesk cannot load it, or the hub cannot be reached.
    """
    known = find_known(repo)
    wanted = revision or (known.revision if known else "") or "main"
    found = _of_cache(repo, wanted) or _of_hub(repo, wanted)
    if known is None or known.sha256 is None or found.revision != known.revision:
        return found
    for file in found.files:
        if file.path == known.file and file.sha256 != known.sha256:
            raise UserError(
                f"The hub lists another {file.path} for {repo} than gptdesk knows: it should have the hash "
                f"{known.sha256[:16]}…, not {file.sha256[:16] or 'none'}…. Do not use it, and report "
                "this to the authors of gptdesk."
            )
    return found


def _of_hub(repo: str, revision: str) -> Repository:
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/api/models/{repo}/revision/{quote(revision, safe='')}"
    body = ask(url, repo, revision=revision, query={"blobs": "true"})
    try:
        info = msgspec.json.decode(body, type=_Info)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: no UTF-8
        raise not_understood(repo) from error
    if not COMMIT.fullmatch(info.sha):
        raise not_understood(repo)
    files = [_file(repo, info.sha, listed) for listed in info.siblings]
    return Repository(repo, info.sha, _wanted(repo, [file for file in files if file is not None]), _licence(info.tags))


def _of_cache(repo: str, revision: str) -> Repository | None:
    """The model if the cache holds all of it; None where the hub must be asked."""
    from huggingface_hub import constants

    if not COMMIT.fullmatch(revision) and not constants.HF_HUB_OFFLINE:
        return None  # a branch may have moved
    commit = hubcache.commit_of(repo, revision)
    config = commit and hubcache.cached_file(repo, commit, CONFIG_FILE)
    if not commit or not config:
        return None
    files = [
        HubFile(repo, commit, path.name, path.stat().st_size, *_hashes(hubcache.listed_name(path)), kind="model")
        for path in sorted(config.parent.iterdir())
        if path.is_file()
    ]
    try:
        wanted = _wanted(repo, files)
    except UserError:
        return None
    names = [file.path for file in wanted]
    if INDEX_FILE in names and not _whole(wanted):
        return None
    if PICKLE_FILE in names and not constants.HF_HUB_OFFLINE:
        return None  # the hub may have safetensors
    if not all(file.sha256 or file.blob for file in wanted):
        return None  # made without links, as on Windows, the cache does not say what its files hash to
    return Repository(repo, commit, wanted)


def _file(repo: str, commit: str, listed: msgspec.Raw) -> HubFile | None:
    """A file as the hub lists it; None for an invalid entry."""
    try:
        file = msgspec.json.decode(listed, type=_Sibling)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    size = file.lfs.size if file.lfs else file.size
    if size is None or size < 0:
        return None
    hashed = file.lfs.sha256 if file.lfs else file.blob or ""
    return HubFile(repo, commit, file.rfilename, size, *_hashes(hashed), kind="model")


def _hashes(value: Any) -> tuple[str, str]:
    """SHA-256 and git's hash; the value is one of them, the other is empty."""
    text = value if isinstance(value, str) else ""
    return (text if _SHA256.fullmatch(text) else "", text if COMMIT.fullmatch(text) else "")


def _wanted(repo: str, files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """The files that belong to the model, by exact names, so that no path can leave its folder."""
    by_name = {file.path: file for file in files}
    if CONFIG_FILE not in by_name:
        raise UserError(f"{repo} holds no model for transformers: it has no {CONFIG_FILE}.")
    check_form(repo, by_name)
    config = by_name[CONFIG_FILE]
    tokenizer = [by_name[name] for name in TOKENIZER_FILES if name in by_name]
    _check_sizes(repo, [by_name[name] for name in (CONFIG_FILE, INDEX_FILE) if name in by_name], LARGEST_JSON)
    _check_sizes(repo, tokenizer, LARGEST)
    if WEIGHTS_FILE in by_name:
        return config, by_name[WEIGHTS_FILE], *tokenizer
    if INDEX_FILE in by_name:
        shards = [by_name[name] for name in sorted(by_name) if _SHARD.fullmatch(name)]
        return config, by_name[INDEX_FILE], *shards, *tokenizer
    if PICKLE_FILE in by_name:
        return config, by_name[PICKLE_FILE], *tokenizer
    raise UserError(f"{repo} holds no weights that gptdesk loads: neither {WEIGHTS_FILE} nor {PICKLE_FILE}.")


def _check_sizes(repo: str, files: Iterable[HubFile], largest: int) -> None:
    """Refuses small files of unexpected size: they are read into memory completely."""
    for file in files:
        if file.bytes > largest:
            raise UserError(
                f"{repo} cannot be used: its {file.path} has {file.bytes:,} bytes, where {largest:,} are the most that "
                "gptdesk reads."
            )


def _whole(files: tuple[HubFile, ...]) -> bool:
    """Whether all shards are listed; their names contain the number of shards."""
    shards = [Path(file.path).stem.split("-of-") for file in files if _SHARD.fullmatch(file.path)]
    return bool(shards) and len(shards) == int(shards[0][1])


def _licence(tags: Any) -> str:
    texts = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return next((tag.removeprefix("license:")[:100] for tag in texts if tag.startswith("license:")), "")
