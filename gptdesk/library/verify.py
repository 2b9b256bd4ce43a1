"""Verifies a model: reads its files again and compares them with their recorded hashes."""

from __future__ import annotations

from dataclasses import dataclass

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import CONFIG_FILE, INDEX_FILE, weight_files
from gptdesk.gpt2.tokenizers.folder_files import tokenizer_files
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.files import Progress, hash_file, silent
from gptdesk.library.weights import check_weights


@dataclass(frozen=True)
class FileCheck:
    """One file of a model.

    Attributes:
        name: of the file.
        bytes: its size.
        expected: SHA-256 that it should have; empty where unknown.
        got: SHA-256 that it has.
    """

    name: str
    bytes: int
    expected: str
    got: str

    @property
    def ok(self) -> bool:
        """Whether the hash is the expected one, or no hash is expected."""
        return self.expected in ("", self.got)


@dataclass(frozen=True)
class Verification:
    """Result of a verification.

    Attributes:
        files: all that were hashed.
        sentence: the result for the person; if a file is damaged, what to do.
    """

    files: tuple[FileCheck, ...]
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether no file is damaged."""
        return all(file.ok for file in self.files)


def verify(entry: LibraryEntry, progress: Progress = silent) -> Verification:
    """Hashes a model's files and compares the hashes with the recorded or published ones.

    Args:
        entry: of the library.
        progress: called with the bytes read and the total; an exception from it ends the verification.

    Raises:
        UserError: when the model is not on this computer, is incomplete, or cannot be read.
    """
    if entry.path is None:
        raise UserError(f"{entry.name} is not on this computer; there is nothing to verify.")
    paths = [entry.path / CONFIG_FILE, entry.path / INDEX_FILE, *weight_files(entry.path), *tokenizer_files(entry.path)]
    sizes = {path: path.stat().st_size for path in paths if path.is_file()}
    total, before = sum(sizes.values()), 0
    checks = []
    for path, size in sizes.items():
        try:
            got = hash_file(path, lambda done, before=before: progress(before + done, total))  # type: ignore[misc]
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}).") from error
        checks.append(FileCheck(path.name, size, entry.sha256.get(path.name, ""), got))
        before += size
    result = Verification(tuple(checks), _sentence(entry, checks))
    if result.ok:  # a wrong hash already explains what is wrong
        check_weights(entry.path)
    return result


def _sentence(entry: LibraryEntry, checks: list[FileCheck]) -> str:
    wrong = [check for check in checks if not check.ok]
    if wrong:
        check = wrong[0]
        more = len(wrong) - 1
        others = f", and {more} more file{'s are' if more > 1 else ' is'}" if more else ""
        again = "remove the model and download it again" if entry.repo else "remove the model and import it again"
        return (
            f"{check.name} of {entry.name} is damaged: it should have the hash {check.expected[:16]}…, but has "
            f"{check.got[:16]}…{others}; {again}."
        )
    if not any(check.expected for check in checks):
        return f"{entry.name} is complete. The hashes of its files are not known, so they were not compared."
    return f"{entry.name} is sound: its files match their hashes."
