"""Sorts files dropped on the sheet: settings, prepared data, a model, a run, or text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.training.data.datasets import is_prepared
from trainer.run_directory.layout import RUN

_SETTINGS: Final = ".toml"
_WEIGHTS: Final = (".safetensors", ".safetensors.index.json", ".bin")


@dataclass(frozen=True)
class Drop:
    """How dropped files are used; others are left aside.

    Attributes:
        settings: a TOML file with settings.
        data: a folder of prepared data.
        model: a folder of a model to start from.
        texts: paths of files and folders to prepare.
        sentence: how they are used, where that is not obvious.
    """

    settings: Path | None = None
    data: Path | None = None
    model: Path | None = None
    texts: tuple[str, ...] = ()
    sentence: str = ""


def sort_drop(paths: Sequence[str]) -> Drop:
    """Decides what dropped files and folders are used for."""
    kinds: dict[str, list[str]] = {"settings": [], "data": [], "model": [], "run": [], "text": []}
    for path in paths:
        kinds[_kind(path)].append(path)
    said: list[str] = []
    settings = kinds["settings"][0] if kinds["settings"] else ""
    if settings:
        said.append(f"The settings in {_name(settings)} are used.")
    data, texts = kinds["data"][:1], tuple(kinds["text"])
    if data:
        said.append(f"{_name(data[0])} is prepared data already and is used as it is.")
        texts = ()
    elif settings and texts:
        said.append(f"{_names(texts)} {'is' if len(texts) == 1 else 'are'} prepared to train on.")
    if kinds["model"]:
        said.append(f"The run starts from the model in {_name(kinds['model'][0])}.")
    if kinds["run"]:
        said.append(f"{_names(kinds['run'])} holds a run; its checkpoints are listed under “Start from”.")
    aside = [*kinds["settings"][1:], *kinds["data"][1:], *kinds["model"][1:], *(kinds["text"] if data else ())]
    if aside:
        said.append(f"{_names(aside)} {'is' if len(aside) == 1 else 'are'} not used.")
    return Drop(
        settings=Path(settings) if settings else None,
        data=Path(data[0]) if data else None,
        model=Path(kinds["model"][0]) if kinds["model"] else None,
        texts=texts,
        sentence=" ".join(said),
    )


def _kind(path: str) -> str:
    if not os.path.isdir(path):
        return "settings" if path.lower().endswith(_SETTINGS) else "text"
    if os.path.isfile(os.path.join(path, RUN)):
        return "run"
    if os.path.isfile(os.path.join(path, CONFIG_FILE)) and any(name.endswith(_WEIGHTS) for name in _inside(path)):
        return "model"  # a checkpoint is a model with a manifest
    return "data" if is_prepared(Path(path)) else "text"


def _inside(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the trainer says why it cannot be read
        return []


def _name(path: str) -> str:
    return os.path.basename(os.path.normpath(path))


def _names(paths: Sequence[str]) -> str:
    """a.txt, b.txt and c.txt; or a.txt and 12 others."""
    first, *others = [_name(path) for path in paths]
    if len(others) > 2:
        return f"{first} and {len(others)} others"
    return f"{', '.join([first, *others[:-1]])} and {others[-1]}" if others else first
