"""The file of the settings: JSON with a schema version, replaced in one step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from gptdesk.bounded_read import ContentError, read_object
from gptdesk.errors import UserError
from gptdesk.store.files import set_aside, write_atomic
from gptdesk.store.settings import Settings

SCHEMA: Final = 1
"""Version of the file; a newer one is left alone."""

_LARGEST: Final = 4 << 20
"""Bytes of the file; presets without number fit in."""


class SettingsFile:
    """Where settings are kept.

    Args:
        kind: of the settings: `Settings`, or a class derived from it.

    Attributes:
        path: the file.
        writable: false when the file was written by a newer gptdesk; it is left as it is.
    """

    def __init__(self, path: Path, kind: type[Settings] = Settings) -> None:
        self.path, self._kind = path, kind
        self.writable = True

    def load(self) -> tuple[Settings, list[str]]:
        """The settings, and a sentence for everything that could not be used."""
        try:
            values = read_object(self.path, largest=_LARGEST)
            if not isinstance(values.get("schema"), int):
                raise ContentError("it has no schema")
        except FileNotFoundError:
            return self._kind(), []
        except OSError as error:
            self.writable = False
            return self._kind(), [
                f"The settings in {self.path} cannot be read ({error.strerror}); they are left as they are."
            ]
        except ContentError:
            return self._kind(), [self._set_aside()]
        if values["schema"] > SCHEMA:
            self.writable = False
            sentence = (
                f"The settings in {self.path} were written by a newer gptdesk; they are left alone, and what you "
                "change now lasts until you quit."
            )
            return self._kind(), [sentence]
        settings, problems = self._kind.from_json(values)
        return settings, [f"A setting could not be used and is back to its default: {problem}" for problem in problems]

    def save(self, settings: Settings) -> None:
        """Replaces the file in one step.

        Raises:
            UserError: when the disk is full or read-only; the old file stays.
        """
        if not self.writable:
            return
        text = json.dumps({"schema": SCHEMA, **settings.to_json()}, indent=2, ensure_ascii=False)
        try:
            write_atomic(self.path, text.encode("utf-8"))
        except OSError as error:
            raise UserError(
                f"Your settings cannot be saved to {self.path} ({error.strerror}); free some space or make the folder "
                "writable. They last until you quit."
            ) from error

    def _set_aside(self) -> str:
        try:
            aside = set_aside(self.path)
        except OSError as error:
            self.writable = False
            return f"The damaged settings in {self.path} cannot be set aside ({error.strerror}); they are left alone."
        return f"The settings were damaged; they were set aside as {aside}, and gptdesk starts with its defaults."
