"""Formats the result of a preparation as lines: what became of each source."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from trainer.data.manifest import read_manifest
from trainer.prepare.output.manifest import validation_text
from trainer.prepare.report import account_lines

MOST_LINES: Final = 8
"""Files, and reasons, that are named; the rest is added up."""


def data_report(folder: Path, most: int = MOST_LINES) -> tuple[str, ...]:
    """A line for each source, then on records and on what was left out; then on validation.

    A manifest that an earlier version wrote, or that is damaged, has less to say, or nothing.

    Args:
        folder: of prepared data.
        most: files, and reasons, that are named.

    Raises:
        UserError: when there is no prepared data.
    """
    manifest = read_manifest(folder)[0]
    try:
        told = all("documents" in source for source in manifest["sources"])  # earlier versions did not
        lines = [*(account_lines(manifest, most) if told else ()), validation_text(manifest)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()
    return tuple(filter(None, lines))


def report_or_nothing(folder: Path) -> tuple[str, ...]:
    """The same, and nothing where there is no prepared data that can be read."""
    try:
        return data_report(folder)
    except UserError:
        return ()
