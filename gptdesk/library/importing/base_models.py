"""Finds the base model of an adapter among the models of the library."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.importing.format import BaseWanted
from gptdesk.library.known_models.known import find_known


@dataclass(frozen=True)
class BaseChoice:
    """The base models that an adapter may be merged with.

    Attributes:
        name: of its base, as the adapter has it; empty when it names none.
        entries: models on this computer that it fits by its shapes, the one that it names first.
        is_here: whether the first of them is the one that it names.
    """

    name: str
    entries: tuple[LibraryEntry, ...]
    is_here: bool


def base_choice(wanted: BaseWanted, entries: Iterable[LibraryEntry]) -> BaseChoice:
    """The models among ``entries`` that an adapter fits."""
    fits = [
        entry
        for entry in entries
        if entry.state == "ready" and entry.path and entry.config and not wanted.misfit(entry.config)
    ]
    fits.sort(key=lambda entry: not is_named(wanted.name, entry))
    return BaseChoice(wanted.name, tuple(fits), bool(fits) and is_named(wanted.name, fits[0]))


def is_named(name: str, entry: LibraryEntry) -> bool:
    """Whether an adapter that names its base so means that model."""
    if not name:
        return False
    known = find_known(name)
    names = {name.casefold(), *([known.repo.casefold()] if known else [])}
    same_folder = entry.path is not None and os.path.isdir(name) and os.path.samefile(name, entry.path)
    return same_folder or not names.isdisjoint((entry.name.casefold(), entry.repo.casefold()))


def named_base(source: Path, wanted: BaseWanted, entries: Iterable[LibraryEntry]) -> LibraryEntry:
    """The model that the adapter names.

    Raises:
        UserError: when it names none, or one that is not here or that it does not fit.
    """
    found = [entry for entry in entries if entry.path is not None and is_named(wanted.name, entry)]
    if found:
        return next((entry for entry in found if entry.state == "ready"), found[0])
    name = wanted.name
    get = "import it" if os.path.isabs(name) else "download it"  # peft writes a folder, or a name of the hub
    where = f"its base model, {name[:200]}, which is not here; {get}" if name else "a base model"
    raise UserError(
        f"The adapter in {source} needs {where}{', or choose another' if name else '; choose it'} (--base)."
    )
