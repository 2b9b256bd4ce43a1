"""Checks whether a model is in the library, and chooses name and folder of one to download."""

from __future__ import annotations

from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.folders import ensure_folder
from gptdesk.library.known_models.known import KNOWN, Known
from gptdesk.library.library import Library
from gptdesk.library.names import check_name, free_name, taken


def is_installed(library: Library, repo: str, revision: str) -> bool:
    """Whether the library holds this revision, undamaged."""
    return any(
        entry.state == "ready" and (entry.repo, entry.revision) == (repo, revision) for entry in library.installed()
    )


def refuse_second(library: Library, repo: str, asked: str) -> None:
    """Refuses to download a model that is installed already.

    Args:
        library: that is searched.
        repo: ``owner/name``.
        asked: revision; "" for any.

    Raises:
        UserError: when the library holds it.
    """
    for entry in library.installed():
        same = entry.kind == "installed" and entry.repo.casefold() == repo.casefold() and entry.state == "ready"
        if same and (not asked or asked == entry.revision):
            raise UserError(f"{repo} is here already, as {entry.name}.")


def own_name(repo: str, known: Known | None) -> str:
    """The name of a model for which the person chose none: the repository's, but never that of another known model."""
    if known:
        return known.name
    name = repo.rpartition("/")[2]
    return repo.replace("/", " ") if any(name.casefold() == other.name.casefold() for other in KNOWN) else name


def new_folder(models: Path, place: Path, name: str, *, given: bool) -> Path:
    """Makes the folder of a download in ``place`` and returns it.

    Args:
        models: models folder.
        place: folder of all downloads.
        name: of the model.
        given: whether the person chose the name; a number is added to any other name that is taken.

    Raises:
        UserError: when the person's name is taken or invalid, or the folder cannot be made.
    """
    ensure_folder(place)
    if given:
        check_name(name)
        if taken(models, name) or taken(place, name):
            raise UserError(f"There is a model called {name} already; take another name.")
    return ensure_folder(place / free_name(name, models, place))
