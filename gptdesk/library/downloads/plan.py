"""The record of an unfinished download on disk, from which it resumes after a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.hub.digest import HubFile
from gptdesk.library.record import replace_json
from gptdesk.library.repository import COMMIT, Repository, parse_name

PLAN_FILE: Final = "download.json"
FORMAT: Final = 1
_LARGEST: Final = 2**20


@dataclass
class Plan:
    """A download, as it is kept on disk.

    Attributes:
        repo: ``owner/name``.
        asked: revision that was asked for; empty for the newest or the pinned one.
        found: what the hub said it consists of; ``None`` before it was asked.
        etags: that the server gave to what is in each part, by file.
        error: why it failed, a sentence; empty when it did not.
    """

    repo: str
    asked: str = ""
    found: Repository | None = None
    etags: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def write(self, folder: Path) -> None:
        """Replaces the file as a whole.

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
    path = folder / PLAN_FILE
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        values = json.loads(path.read_bytes())
        repo, _, _ = parse_name(values["repo"])
        found = values.get("found")
        etags = values["etags"]
        return Plan(
            repo=repo,
            asked=str(values["asked"]),
            found=None if found is None else _repository(repo, found),
            etags={str(name): str(etag) for name, etag in etags.items() if _is_header(str(etag))},
            error=str(values["error"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _repository(repo: str, values: Mapping[str, Any]) -> Repository:
    revision = values["revision"]
    if not COMMIT.fullmatch(revision):
        raise ValueError("no commit")
    files = [
        HubFile(repo, revision, file["path"], int(file["bytes"]), str(file["sha256"]), str(file["blob"]), kind="model")
        for file in values["files"]
    ]
    names = [file.path for file in files]
    if names[0] != CONFIG_FILE or len(set(names)) != len(names) or not all(map(_is_plain, names)):
        raise ValueError("no files of a model")
    if any(file.bytes < 0 for file in files):
        raise ValueError("no sizes")
    return Repository(repo, revision, tuple(files), str(values["licence"]))


def _is_header(value: str) -> bool:
    """Whether it may be sent to a server."""
    return value.isascii() and value.isprintable()


def _is_plain(name: str) -> bool:
    """Whether it is a file's name alone, of a kind that makes a model."""
    return (
        Path(name).name == name
        and name.endswith((".json", ".safetensors", ".bin", ".txt", ".jinja"))
        and name[0] != "."
    )
