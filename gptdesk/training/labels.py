"""Names, tags and pins of runs by the run's id, and the watched folders; kept beside the runs."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gptdesk.bounded_read import ContentError, read_object
from gptdesk.errors import UserError
from gptdesk.files import write_json
from gptdesk.folders import ensure_folder

_SCHEMA: Final = 1
"""Version of the file. A newer one is not overwritten; changes then last until the window closes."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """Name, tags and pin that the user gave a run; an empty name is none."""

    name: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False


class Labels:
    """The file, read once and replaced at every change; may be used from any thread.

    A file that is damaged is set aside.

    Args:
        file: it need not be there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._guard = threading.RLock()
        self._writable = True
        self._watched: tuple[Path, ...] = ()
        self._labels: dict[str, Label] = {}
        self._load()

    @property
    def watched(self) -> tuple[Path, ...]:
        return self._watched

    def watch(self, folder: Path) -> None:
        with self._guard:
            if folder not in self._watched:
                self._watched = (*self._watched, folder)
                self._save()

    def unwatch(self, folder: Path) -> None:
        with self._guard:
            if folder in self._watched:
                self._watched = tuple(other for other in self._watched if other != folder)
                self._save()

    def of(self, id: str) -> Label:
        with self._guard:
            return self._labels.get(id, Label())

    def change(self, id: str, **values: Any) -> None:
        """Changes parts of a label.

        Raises:
            UserError: when it cannot be saved; the change then lasts until the window closes.
        """
        with self._guard:
            label = replace(self.of(id), **values)
            if label != self.of(id):
                self._labels[id] = label
                self._save()

    def forget(self, id: str) -> None:
        with self._guard:
            if self._labels.pop(id, None) is not None:
                self._save()

    def move(self, old: str, new: str) -> None:
        """Moves a label to another id: a run gets its own when its trainer starts."""
        with self._guard:
            if old in self._labels:
                self._labels.setdefault(new, self._labels.pop(old))
                with suppress(UserError):  # the user asked for nothing; it is tried again with the next change
                    self._save()

    def _load(self) -> None:
        try:
            values = read_object(self._file)
        except FileNotFoundError:
            return
        except OSError:
            self._writable = False
            return
        except ContentError:
            self._set_aside()
            return
        if not isinstance(version := values.get("schema"), int) or version > _SCHEMA:
            if isinstance(version, int):
                self._writable = False
            else:
                self._set_aside()
            return
        watched, runs = values.get("watched"), values.get("runs")
        if isinstance(watched, list):
            self._watched = tuple(Path(folder) for folder in watched if isinstance(folder, str) and folder)
        if isinstance(runs, dict):
            self._labels = {id: _read(label) for id, label in runs.items() if isinstance(label, dict)}
        if self._values() != values:
            self._set_aside(copy=True)

    def _set_aside(self, *, copy: bool = False) -> None:
        """Keeps the file under another name: the next change would overwrite what cannot be read of it."""
        aside = self._file.with_name(f"{self._file.name}.unreadable")
        try:
            if copy:
                shutil.copyfile(self._file, aside)
            else:
                os.replace(self._file, aside)
        except OSError:
            self._writable = False

    def _values(self) -> dict[str, Any]:
        return {
            "schema": _SCHEMA,
            "watched": [str(folder) for folder in self._watched],
            "runs": {id: _to_json(label) for id, label in self._labels.items() if label != Label()},
        }

    def _save(self) -> None:
        if not self._writable:
            return
        try:
            ensure_folder(self._file.parent)
            write_json(self._file, self._values())
        except OSError as error:
            raise UserError(
                f"Names and tags of runs cannot be saved to {self._file} ({error.strerror}); they last until you quit."
            ) from None


def _read(values: Mapping[str, Any]) -> Label:
    tags, name = values.get("tags", ()), values.get("name")
    return Label(
        name=name if isinstance(name, str) else "",
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        pinned=values.get("pinned") is True,
    )


def _to_json(label: Label) -> dict[str, Any]:
    return {"name": label.name, "tags": list(label.tags), "pinned": label.pinned}
