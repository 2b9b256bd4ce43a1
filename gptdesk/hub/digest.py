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
        sha256: in hexadecimal; empty where the hub lists none.
        blob: git's hash of it, in hexadecimal; empty where the hub lists none. Used where there is no SHA-256.
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
        """The kind as people write it."""
        return "model" if self.kind == "model" else "data set"


class WrongBytes(UserError):
    """A file arrived with another size or hash than the hub lists.

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
    """Hashes a file while it arrives: SHA-256, and git's hash for small files, which have no SHA-256 on the hub."""

    def __init__(self, size: int) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._small = size < 64 * 2**20  # files without SHA-256 are in git itself, and small

    def update(self, block: bytes) -> None:
        self._sha256.update(block)
        if self._small:
            self._git.update(block)
        self.size += len(block)

    def check(self, file: HubFile) -> str:
        """Compares size and hash with those that the hub lists, and returns the SHA-256.

        Raises:
            WrongBytes: when they differ.
        """
        sha256 = self._sha256.hexdigest()
        expected, got = file.sha256 or file.blob, sha256 if file.sha256 or not self._small else self._git.hexdigest()
        if self.size != file.bytes:
            raise wrong_bytes(file, f"{file.bytes:,} bytes", f"{self.size:,} bytes", "")
        if expected and expected != got:
            raise wrong_bytes(file, f"the hash {expected[:16]}…", f"{got[:16]}…", got)
        return sha256


def wrong_bytes(file: HubFile, expected: str, got_words: str, got: str) -> WrongBytes:
    """The error for a file that arrived damaged.

    Args:
        file: that was requested.
        expected, got_words: expected and actual size or hash, as the sentence shows them.
        got: actual hash; empty when the size is wrong.
    """
    return WrongBytes(
        f"{file.path} of {file.repo} arrived damaged: {expected} was expected, but it has {got_words}. It was deleted; "
        "download it again. If that does not help, the hub or a proxy serves a wrong file.",
        file.path,
        file.sha256 or file.blob,
        got,
    )
