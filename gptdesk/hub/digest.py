"""Hashes a file of the hub as it arrives, and checks it against what the hub lists."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gptdesk.errors import UserError


@dataclass(frozen=True)
class HubFile:
    """A file at one commit of a repository.

    Attributes:
        repo: ``owner/name``.
        revision: commit, 40 hexadecimal digits.
        path: inside the repository.
        bytes: its size.
        sha256: in hexadecimal; empty where the hub does not say.
        blob: git's hash of it, in hexadecimal; empty where the hub does not say. It counts where there is no SHA-256.
        kind: "dataset" or "model".
    """

    repo: str
    revision: str
    path: str
    bytes: int
    sha256: str = ""
    blob: str = ""
    kind: str = "dataset"

    @property
    def what(self) -> str:
        """The kind in words."""
        return "model" if self.kind == "model" else "data set"


class WrongBytes(UserError):
    """What arrived is not what the hub lists.

    Attributes:
        path: of the file.
        expected: the hash that it should have.
        got: the hash that it has; empty when its size is wrong already.
    """

    def __init__(self, sentence: str, path: str, expected: str, got: str) -> None:
        super().__init__(sentence)
        self.path = path
        self.expected = expected
        self.got = got


class Digest:
    """The hashes of a file as it comes: SHA-256, and git's for those that the hub lists without one."""

    def __init__(self, size: int) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._small = size < 64 * 2**20  # what git keeps itself is never large

    def update(self, block: bytes) -> None:
        self._sha256.update(block)
        if self._small:
            self._git.update(block)
        self.size += len(block)

    def check(self, file: HubFile) -> str:
        """The SHA-256, once it is sure that this is the file.

        Raises:
            WrongBytes: when it is not that file.
        """
        sha256 = self._sha256.hexdigest()
        expected, got = file.sha256 or file.blob, sha256 if file.sha256 or not self._small else self._git.hexdigest()
        if self.size != file.bytes:
            raise wrong_bytes(file, f"{file.bytes:,} bytes", f"{self.size:,} bytes", "")
        if expected and expected != got:
            raise wrong_bytes(file, f"the hash {expected[:16]}…", f"{got[:16]}…", got)
        return sha256


def wrong_bytes(file: HubFile, expected: str, got_words: str, got: str) -> WrongBytes:
    """The error of a file that arrived damaged.

    Args:
        file: that was asked for.
        expected, got_words: what was expected and what it has, as the sentence shows them.
        got: its hash; empty when its size is wrong already.
    """
    return WrongBytes(
        f"{file.path} of {file.repo} arrived damaged: {expected} was expected, but it has {got_words}. It was thrown "
        "away; download it again, and if that does not help, the hub or something on the way gives out a wrong file.",
        file.path,
        file.sha256 or file.blob,
        got,
    )
