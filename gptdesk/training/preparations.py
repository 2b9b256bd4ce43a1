"""Preparing data as a job of its own: started, followed, paused, cancelled, and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptdesk.folders import Folders


@dataclass(frozen=True, kw_only=True)
class PreparationState:
    """A preparation at one moment.

    Attributes:
        state: ``planning``, ``encoding``, ``merging``, ``finished``, ``failed``, ``stopped``, ``killed`` or ``paused``.
        share: of the work that is done, 0 to 1.
        documents, tokens: encoded so far.
        tokens_per_s: encoded in this go.
        seconds_left: of the phase at hand, where that can be told.
        downloaded, download: bytes that have come, and that are to come; 0 for sources on this computer.
        error: the sentence that it failed with; else empty.
        broken: things that were left out.
    """

    state: str
    share: float = 0.0
    documents: int = 0
    tokens: int = 0
    tokens_per_s: float = 0.0
    seconds_left: float | None = None
    downloaded: int = 0
    download: int = 0
    error: str = ""
    broken: int = 0

    @property
    def active(self) -> bool:
        return self.state in ("planning", "encoding", "merging")


@dataclass(frozen=True, kw_only=True)
class PreparedSet:
    """Data that is ready to train on.

    Attributes:
        name: of its folder.
        path: its folder.
        train_tokens, val_tokens: in its splits.
        documents: in both.
    """

    name: str
    path: Path
    train_tokens: int
    val_tokens: int
    documents: int


@dataclass(frozen=True, kw_only=True)
class DocumentPreview:
    """The beginning of a document.

    Attributes:
        text: as the model sees it.
        tokens: the text of each token; U+FFFD stands for bytes that are part of a character.
        length: tokens in the whole document.
    """

    text: str
    tokens: tuple[str, ...]
    length: int


class Preparation:
    """A folder of data that is being prepared, or was.

    Args:
        folder: that holds, or will hold, the prepared data.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(
        self,
        sources: Sequence[str],
        *,
        validation: Sequence[str] = (),
        column: str = "text",
        validation_share: float | None = None,
    ) -> None:
        """Begins.

        Raises:
            UserError: when it is under way already, or cannot be started.
        """
        raise NotImplementedError

    def state(self) -> PreparationState:
        raise NotImplementedError

    def pause(self) -> None:
        """Stops it so that `resume` goes on; returns at once."""
        raise NotImplementedError

    def resume(self) -> None:
        """Goes on.

        Raises:
            UserError: when it was not started here, or cannot be started.
        """
        raise NotImplementedError

    def cancel(self) -> None:
        """Stops it, waits for its end and removes its folder; some seconds, so not in the window's own thread.

        Raises:
            UserError: when it does not stop, or the folder cannot be removed.
        """
        raise NotImplementedError


def plan(sources: Sequence[str], *, column: str = "text", folder: Path | None = None) -> dict[str, Any]:
    """What preparing would take: ``files``, ``source_bytes``, ``download_bytes``, ``tokens``, ``result_bytes``,
    ``disk_bytes`` (at most while preparing) and ``free_bytes``. Some seconds, so not in the window's own thread.

    Raises:
        UserError: for sources that are missing, cannot be read or cannot be reached.
    """
    raise NotImplementedError


def new_data_folder(folders: Folders, name: str) -> Path:
    """A folder for data of that name, which is not there yet."""
    raise NotImplementedError


def prepared_sets(folders: Folders) -> list[PreparedSet]:
    """The data that is ready, by name."""
    raise NotImplementedError


def preparations(folders: Folders) -> list[Preparation]:
    """What is being prepared, or was begun and is not finished, by name."""
    raise NotImplementedError


def preview(folder: Path, n: int = 3) -> list[DocumentPreview]:
    """The first documents of prepared data.

    Raises:
        UserError: when there is none, or it cannot be read.
    """
    raise NotImplementedError
