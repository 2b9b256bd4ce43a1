"""What the sheet has done elsewhere: working out, reading a file, starting. For a worker thread; no Qt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptdesk.training.data.datasets import describe_set
from gptdesk.training.estimate import Summary, summarise
from gptdesk.training.launch import COMMAND, Launcher, new_run_folder, start_run
from gptdesk.ui.train.new_run.draft import Draft
from trainer.config import build_config, merge, read_toml

Values = Mapping[str, Any]


def run_folder(values: Values, runs: Path, name: str) -> Path:
    """Where the run will be kept: where the settings say, else a new folder among the runs."""
    wished = values["run"]["folder"]
    return Path(os.path.expanduser(wished)) if wished else new_run_folder(runs, name)  # Path's own raises for ~nobody


def work_out(values: Values, runs: Path, name: str, launcher: Launcher) -> Summary:
    """What the settings make, with the disk looked at on which the run will be kept."""
    if launcher.kind != COMMAND:  # elsewhere, disk and memory are that computer's
        values = merge(values, {"run": {"folder": str(run_folder(values, runs, name))}})
    return summarise(values, processes=launcher.processes)


def launch(values: Values, runs: Path, name: str, launcher: Launcher) -> Path:
    """Starts the run and returns its folder.

    Raises:
        UserError: when it cannot be started.
    """
    folder = run_folder(values, runs, name)
    start_run(values, folder, launcher, name=name)
    return folder


def launch_with(draft: Draft, data: Path, runs: Path) -> Path:
    """The same for settings that were put together while the data was still being prepared.

    Raises:
        UserError: when the data cannot be used, or the run cannot be started.
    """
    found = describe_set(data)
    draft.choose_data(str(data), found.name, found.train_tokens, found.val_tokens)
    return launch(draft.values(), runs, draft.run_name, draft.launcher)


def read_settings(path: Path) -> dict[str, Any]:
    """The values in a TOML file.

    Raises:
        UserError: when it cannot be read, or holds what is no setting.
    """
    values = read_toml(path)
    build_config(values)
    return values
