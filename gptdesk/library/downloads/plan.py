"""The record of an unfinished download on disk, from which it resumes after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from gptdesk.bounded_read import LARGEST_WHOLE
from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.hub.digest import HubFile
from gptdesk.library.record import read_struct, replace_json
from gptdesk.library.repository import COMMIT, Repository, parse_name

PLAN_FILE: Final = "download.json"
FORMAT: Final = 1

_Size = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]
_Commit = Annotated[str, msgspec.Meta(pattern=rf"^{COMMIT.pattern}\Z")]


class _File(msgspec.Struct):
    """A file to download, as `Plan.write` writes it."""

    path: str
    bytes: _Size
    sha256: str
    blob: str


class _Found(msgspec.Struct):
    """A repository, as `Plan.write` writes it."""

    revision: _Commit
    licence: str
    files: Annotated[list[_File], msgspec.Meta(min_length=1)]


class _Plan(msgspec.Struct):
    """The whole file; ``format`` is for other programs."""

    repo: str
    asked: str
    error: str
    etags: dict[str, str]
    found: _Found | None = None


class Plan(msgspec.Struct):
    """A download, as it is kept on disk.

    Attributes:
        repo: ``owner/name``.
        asked: revision that was asked for; empty for the newest or the pinned one.
        found: the files that the hub lists; ``None`` before it was asked.
        etags: ETag of the server for what each part file holds, by file.
        error: why it failed, a sentence; empty when it did not.
    """

    repo: str
    asked: str = ""
    found: Repository | None = None
    etags: dict[str, str] = msgspec.field(default_factory=dict)
    error: str = ""

    def write(self, folder: Path) -> None:
        """Replaces the file in ``folder`` atomically.

        Raises:
            UserError: when it cannot be written.
        """
        values: dict[str, Any] = {"format": FORMAT, "repo": self.repo, "asked": self.asked, "error": self.error}
        if self.found is not None:
            values["found"] = {
                "revision": self.found.revision,
                "licence": self.found.licence,
                "files": [
                    {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "blob": file.blob}
                    for file in self.found.files
                ],
            }
        values["etags"] = self.etags
        replace_json(folder / PLAN_FILE, values)


def read_plan(folder: Path) -> Plan | None:
    """The plan in a download's folder; ``None`` when there is none, or a damaged one."""
    read = read_struct(folder / PLAN_FILE, _Plan)
    if read is None:
        return None
    try:
        repo, _, _ = parse_name(read.repo)
        return Plan(
            repo=repo,
            asked=read.asked,
            found=None if read.found is None else _repository(repo, read.found),
            etags={name: etag for name, etag in read.etags.items() if _is_header(etag)},
            error=read.error,
        )
    except ValueError:  # UserError among them
        return None


def _repository(repo: str, found: _Found) -> Repository:
    """The repository of a plan.

    Raises:
        ValueError: when its files are not those of a model.
    """
    names = [file.path for file in found.files]
    if names[0] != CONFIG_FILE or len(set(names)) != len(names) or not all(map(_is_plain, names)):
        raise ValueError("not the files of a model")
    files = [
        HubFile(repo, found.revision, file.path, file.bytes, file.sha256, file.blob, kind="model")
        for file in found.files
    ]
    return Repository(repo, found.revision, tuple(files), found.licence)


def _is_header(value: str) -> bool:
    """Whether it may be sent to a server."""
    return value.isascii() and value.isprintable()


def _is_plain(name: str) -> bool:
    """Whether it is the name of a file without folder, of a type that belongs to a model."""
    return (
        Path(name).name == name
        and name.endswith((".json", ".safetensors", ".bin", ".txt", ".jinja"))
        and name[0] != "."
    )
