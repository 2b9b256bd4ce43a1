"""`ImportFormat`: what the program knows of a format that models can be imported from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.files import Progress


@dataclass(frozen=True, kw_only=True)
class Found:
    """A model that a format has found, known by names and headers alone.

    Attributes:
        path: file or folder to read.
        size: bytes that the model will take in the models folder, more or less; without its base where it has one.
        linkable: whether the files can stay where they are.
        left_out: name of the part that is not loaded; empty for none.
        base: what it needs a base model for; None for a model that is whole.
    """

    path: Path
    size: int
    linkable: bool = False
    left_out: str = ""
    base: BaseWanted | None = None


@dataclass(frozen=True, kw_only=True)
class BaseWanted:
    """What must be known of the base model that an adapter is merged with.

    Attributes:
        name: by which the adapter names it: of the hub, or a folder; empty when it names none.
        misfit: says why the adapter does not fit a model of that shape, as a clause; empty when it fits.
    """

    name: str
    misfit: Callable[[GPT2Config], str]


@dataclass(frozen=True, kw_only=True)
class ImportJob:
    """What a format's ``write`` is given.

    Attributes:
        found: to be imported.
        target: empty folder that the model is written into.
        base: folder of the base model; None for a model that is whole.
        progress: called with what is done and the total, in units of the format's own; what it raises ends the job.
    """

    found: Found
    target: Path
    base: Path | None
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class ImportFormat:
    """A format that models come in.

    Attributes:
        name: identifies it.
        label: in sentences and in help, with its article.
        note: what an import does with the files, a sentence for the dialog.
        patterns: of the names of its files, in lower case, for file dialogs.
        generic: patterns of file names that say nothing of the model, so that it is called as its folder.
        find: the file or folder to read, for a file of that format or a folder that holds one; None for any other.
            Goes by names; raises `UserError` where a choice is missing.
        look: reads names and headers of what ``find`` found; raises `UserError` for what cannot be imported.
        write: writes the model folder; returns the SHA-256, by name, of files whose hashes are known by then.
        converted: whether the weights are rewritten, so that the files cannot be linked.
    """

    name: str
    label: str
    note: str
    patterns: tuple[str, ...]
    generic: tuple[str, ...] = ()
    find: Callable[[Path], Path | None]
    look: Callable[[Path], Found]
    write: Callable[[ImportJob], Mapping[str, str]]
    converted: bool = True

    def model_name(self, path: Path, is_folder: bool) -> str:
        """What a model is called that is imported from that path."""
        is_generic = not is_folder and any(fnmatchcase(path.name.lower(), pattern) for pattern in self.generic)
        return path.parent.name if is_generic else path.name if is_folder else path.stem


@dataclass
class Steps:
    """Progress in bytes, reported as they are read.

    Attributes:
        progress: told.
        total: bytes there are.
    """

    progress: Progress
    total: int
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.progress(0, self.total)

    def advance(self, count: int) -> None:
        """Reports that ``count`` more bytes have been read."""
        self.done += count
        self.progress(min(self.done, self.total), self.total)


def files_inside(folder: Path) -> Iterator[Path]:
    """The regular files in a folder, by name; none where it cannot be read."""
    try:
        yield from sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return
