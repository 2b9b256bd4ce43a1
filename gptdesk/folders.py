"""Where gptdesk keeps a person's files: settings, documents, models, runs, logs and caches."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import platformdirs

from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.inference.cpu.compiling import FOLDER_VARIABLE

HOME_VARIABLE: Final = "GPTDESK_HOME"
"""Environment variable that moves all folders into one, for tests and for a portable installation."""

SETTINGS_FILE: Final = "settings.json"
"""In `Folders.config`."""

MODELS_SETTING: Final = "models_folder"
"""Name, in the settings, of the models folder that the person chose; "" for the standard one."""

_APP: Final = "gptdesk"
_LARGEST_SETTINGS: Final = 4 << 20
"""Bytes of the settings file; presets without number fit in."""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders of one person. They are only named here; `ensure_folder` makes one when something is first written.

    Attributes:
        config: settings.
        data: documents and presets.
        models: one folder per model, and unfinished downloads.
        runs: one folder per training run.
        logs: logs and crash reports.
        cache: files that can be made again.
    """

    config: Path
    data: Path
    models: Path
    runs: Path
    logs: Path
    cache: Path

    @property
    def quantized(self) -> Path:
        """Quantized copies of models that were loaded in int8 or int4."""
        return self.cache / "quantized"

    @classmethod
    def of_this_user(cls) -> Folders:
        """`standard`, with the models folder that the settings name, if they do."""
        return cls.standard().with_chosen_models()

    @classmethod
    def standard(cls) -> Folders:
        """The folders under ``$GPTDESK_HOME`` when it is set, else where the operating system expects them."""
        home = os.environ.get(HOME_VARIABLE)
        if home:
            return cls.under(Path(os.path.expanduser(home)).absolute())  # Path's own raises where ~name is nobody's
        data = platformdirs.user_data_path(_APP, appauthor=False)
        return cls(
            config=platformdirs.user_config_path(_APP, appauthor=False),
            data=data,
            models=data / "models",
            runs=data / "runs",
            logs=platformdirs.user_log_path(_APP, appauthor=False),
            cache=platformdirs.user_cache_path(_APP, appauthor=False),
        )

    @classmethod
    def under(cls, home: Path) -> Folders:
        """All folders inside one."""
        return cls(
            config=home / "config",
            data=home / "data",
            models=home / "models",
            runs=home / "runs",
            logs=home / "logs",
            cache=home / "cache",
        )

    def with_chosen_models(self) -> Folders:
        """The same folders, with the models folder that the settings in `config` name, if they do."""
        text = (read_json(self.config / SETTINGS_FILE, largest=_LARGEST_SETTINGS) or {}).get(MODELS_SETTING)
        if not isinstance(text, str) or not os.path.isabs(text):
            return self
        return replace(self, models=Path(text))


def keep_compiled_code() -> None:
    """Sets Numba's cache folder, unless it is set already; must run before Numba is imported."""
    os.environ.setdefault(FOLDER_VARIABLE, str(Folders.of_this_user().cache / "numba"))


def ensure_folder(folder: Path) -> Path:
    """Makes ``folder`` and its missing parents, readable by their owner alone, and returns it.

    A folder that exists keeps its mode: its owner may have shared it on purpose.

    Raises:
        UserError: when it cannot be made (read-only or full disk, no permission, a file of the same name).
    """
    # mkdir's parents=True would give that mode to the last folder only.
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_dir():
            raise FileExistsError(None, "a file is in its place")
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made ({error.strerror}); "
            f"free its place or set {HOME_VARIABLE} to another folder."
        ) from error
    return folder
