"""Background tasks of the sheet: evaluate the settings, read a file, start a run. No Qt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptdesk.training.data.datasets import describe_set
from gptdesk.training.estimate import Summary, summarise
from gptdesk.training.launch import COMMAND, Launcher, new_run_folder, start_run
from gptdesk.ui.train.new_run.draft.draft import Draft
from trainer.config.schema import build_config
from trainer.config.values import merge, read_toml

Values = Mapping[str, Any]


def run_folder(values: Values, runs: Path, name: str) -> Path:
    """Folder of the run: from the settings, or a new one in the runs folder."""
    wished = values["run"]["folder"]
    return Path(os.path.expanduser(wished)) if wished else new_run_folder(runs, name)  # Path's own raises for ~nobody


def work_out(values: Values, runs: Path, name: str, launcher: Launcher, vocab_size: int | None) -> Summary:
    """Summarises the settings, with the free space of the disk that will hold the run.

    Args:
        vocab_size: tokens of a model from scratch; ``None`` for those of its data.
    """
    if launcher.kind != COMMAND:  # another computer has its own disk and memory
        values = merge(values, {"run": {"folder": str(run_folder(values, runs, name))}})
    return summarise(values, processes=launcher.processes, vocab_size=vocab_size)


def launch(values: Values, runs: Path, name: str, launcher: Launcher) -> Path:
    """Starts the run and returns its folder.

    Raises:
        UserError: if it cannot be started.
    """
    folder = run_folder(values, runs, name)
    start_run(values, folder, launcher, name=name)
    return folder


def launch_with(draft: Draft, data: Path, runs: Path) -> Path:
    """Starts a run whose data was in preparation when its settings were chosen.

    Raises:
        UserError: if the data cannot be used, or the run cannot be started.
    """
    found = describe_set(data)
    draft.choose_data(str(data), found.name, found.train_tokens, found.val_tokens)
    return launch(draft.values(), runs, draft.run_name, draft.launcher)


def read_settings(path: Path) -> dict[str, Any]:
    """Reads the values in a TOML file.

    Raises:
        UserError: if it cannot be read, or contains an unknown setting.
    """
    values = read_toml(path)
    build_config(values)
    return values
