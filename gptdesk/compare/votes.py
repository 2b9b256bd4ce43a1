"""Blind votes: which of several completions a person preferred, kept in one file. Imports no torch."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, convert, read_object
from gptdesk.compare.columns import MOST
from gptdesk.compare.wilson import wilson_interval
from gptdesk.errors import UserError
from gptdesk.files import write_bytes
from gptdesk.inference.scoring.table import csv_line
from gptdesk.locks import FileLock, LockHeld

FILE: Final = "votes.json"
"""In `Folders.data`."""

FORMAT: Final = "gptdesk votes"
VERSION: Final = 1
LARGEST: Final = 32 << 20
"""Bytes of the file."""

MOST_VOTES: Final = 10_000
_LONGEST_PROMPT: Final = 1_000
"""Characters of a prompt that a vote keeps, so that so many votes fit into the file."""

_PATIENCE_SECONDS: Final = 10.0

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One choice.

    Attributes:
        date: when, ISO 8601 with the time zone.
        models: `Column.description` of those that were shown, in the order in which they were.
        choice: index of the preferred one; ``None`` where none was better.
        prompt: its beginning.
        seed: of the completions.
    """

    date: Annotated[str, msgspec.Meta(max_length=40)]
    models: Annotated[tuple[_Name, ...], msgspec.Meta(min_length=2, max_length=MOST)]
    choice: Annotated[int, msgspec.Meta(ge=0, lt=MOST)] | None
    prompt: Annotated[str, msgspec.Meta(max_length=_LONGEST_PROMPT)]
    seed: _Count


@dataclass(frozen=True)
class Wins:
    """How often one of some models was preferred.

    Attributes:
        model: which.
        wins: how often.
        low, high: Wilson's interval of its probability of winning, at 95 %.
    """

    model: str
    wins: int
    low: float
    high: float


@dataclass(frozen=True)
class Tally:
    """The votes between the same models, in whatever order they were shown.

    Attributes:
        wins: of each model, the one with the most wins first.
        decided: votes that preferred one.
        undecided: votes that preferred none; they count for no share.
    """

    wins: tuple[Wins, ...]
    decided: int
    undecided: int


def shuffled(count: int) -> list[int]:
    """Indexes of so many columns in an order that nobody knows."""
    order = list(range(count))
    random.SystemRandom().shuffle(order)
    return order


def new_vote(models: Sequence[str], choice: int | None, *, prompt: str, seed: int) -> Vote:
    """A vote of now; ``models`` in the order in which they were shown."""
    clean = prompt.encode("utf-8", "replace").decode()[:_LONGEST_PROMPT]
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return Vote(date=date, models=tuple(models), choice=choice, prompt=clean, seed=min(seed, LARGEST_WHOLE))


def read_votes(path: Path) -> list[Vote]:
    """The votes in a file, oldest first; none where there is no file.

    Raises:
        UserError: when it cannot be read, is damaged, or is of another version.
    """
    try:
        values = read_object(path, largest=LARGEST)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"The votes in {path} cannot be read ({error.strerror}).") from error
    except ContentError as error:
        raise UserError(f"The votes in {path} cannot be read: {error}; move the file away to begin anew.") from error
    if values.get("format") != FORMAT:
        raise UserError(f"{path} holds no votes of gptdesk; move the file away to begin anew.")
    if values.get("version") != VERSION:
        raise UserError(f"The votes in {path} are of another version of gptdesk; move the file away to begin anew.")
    try:
        votes: list[Vote] = convert(values.get("votes"), list[Vote])
    except msgspec.ValidationError as error:
        raise UserError(f"The votes in {path} are damaged ({error}); move the file away to begin anew.") from error
    if any(vote.choice is not None and vote.choice >= len(vote.models) for vote in votes):
        raise UserError(f"The votes in {path} are damaged (a choice of none); move the file away to begin anew.")
    return votes


def add_vote(path: Path, vote: Vote) -> None:
    """Adds a vote to a file, which is made where there is none; its folder must exist.

    Raises:
        UserError: as `read_votes`, and when the file is full or cannot be written; it is unchanged then.
    """
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), patience=_PATIENCE_SECONDS):
            votes = read_votes(path)
            if len(votes) >= MOST_VOTES:
                raise UserError(f"{path} has {MOST_VOTES:,} votes, the most that it takes; move the file away.")
            values = {"format": FORMAT, "version": VERSION, "votes": [*votes, vote]}
            write_bytes(path, msgspec.json.format(msgspec.json.encode(values), indent=1) + b"\n")
    except LockHeld as error:
        raise UserError(f"The votes in {path} are being written by another program; try again.") from error
    except OSError as error:
        raise UserError(f"The vote cannot be written to {path} ({error.strerror or error}).") from error


def tallies(votes: Sequence[Vote]) -> list[Tally]:
    """The wins between the same models, those with the most votes first."""
    groups: dict[tuple[str, ...], list[Vote]] = {}
    for vote in votes:
        groups.setdefault(tuple(sorted(vote.models)), []).append(vote)
    found = []
    for models, group in groups.items():
        chosen = [vote.models[vote.choice] for vote in group if vote.choice is not None]
        wins = [_wins(model, chosen) for model in set(models)]
        wins.sort(key=lambda one: (-one.wins, one.model))
        found.append(Tally(tuple(wins), len(chosen), len(group) - len(chosen)))
    return sorted(found, key=lambda tally: -(tally.decided + tally.undecided))


def _wins(model: str, chosen: Sequence[str]) -> Wins:
    count = chosen.count(model)
    return Wins(model, count, *wilson_interval(count, len(chosen)))


def votes_as_csv(votes: Sequence[Vote]) -> Iterator[str]:
    """Lines: names of the columns, and a row for each vote; ``preferred`` is empty where none was better."""
    yield csv_line(["date", *(f"model_{number}" for number in range(1, MOST + 1)), "preferred", "prompt", "seed"])
    for vote in votes:
        models = [*vote.models, *[""] * (MOST - len(vote.models))]
        preferred = "" if vote.choice is None else vote.models[vote.choice]
        yield csv_line([vote.date, *models, preferred, vote.prompt, vote.seed])
