"""Where gptdesk keeps a person's files: settings, documents, models, runs, logs and caches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from gptdesk.errors import UserError
from gptdesk.inference.cpu.compiling import FOLDER_VARIABLE

HOME_VARIABLE: Final = "GPTDESK_HOME"
"""Environment variable that moves all folders into one, for tests and for a portable installation."""

_APP = "gptdesk"


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders of one person. They are only named here; ``ensure_folder`` makes one when something is first written.

    Attributes:
        config: settings.
        data: documents, branches, presets.
        models: one folder a model.
        runs: one folder a training run.
        logs: logs and crash reports.
        cache: what can be made again, unfinished downloads among it.
    """

    config: Path
    data: Path
    models: Path
    runs: Path
    logs: Path
    cache: Path

    @property
    def quantized(self) -> Path:
        """Where models are kept in the precision in which they were used."""
        return self.cache / "quantized"

    @classmethod
    def of_this_user(cls) -> Folders:
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


def keep_compiled_code() -> None:
    """Tells Numba where to keep what it compiles; must run before it is imported. What is set already stays."""
    os.environ.setdefault(FOLDER_VARIABLE, str(Folders.of_this_user().cache / "numba"))


def ensure_folder(folder: Path) -> Path:
    """Makes ``folder`` and what is missing above it, readable by its owner alone, and returns it.

    A folder that exists keeps its mode: its owner may have shared it on purpose.

    Raises:
        UserError: when it cannot be made (read-only or full disk, no permission, a file in its place).
    """
    # mkdir's parents=True would give only the last folder that mode, and what people write is private all the way up.
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
