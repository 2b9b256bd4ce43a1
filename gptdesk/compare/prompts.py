"""Reads lists of prompts: JSON lines, a JSON array, CSV, or text with a prompt on each line. Imports no torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError, parse_json, read_bytes
from gptdesk.chat.messages import from_messages
from gptdesk.chat.templates.of_folder import OF_MODEL
from gptdesk.compare.conversations import Conversations
from gptdesk.compare.prompt_text import Prompt, spelled
from gptdesk.errors import UserError, brief
from gptdesk.number_format import counted

LARGEST: Final = 64 << 20
"""Bytes of a file of prompts."""

MOST: Final = 10_000
"""Prompts of a comparison."""

LONGEST: Final = 1_000_000
"""Characters of a prompt."""

FIELDS: Final = ("prompt", "text", "messages", "conversations")
"""Where a record has its prompt, the first that it has."""

_NAMED: Final = 3
"""Lines that the sentence about bad lines names."""

_JSON_LINES, _CSV = (".jsonl", ".ndjson"), {".csv": ",", ".tsv": "\t"}

_Line = tuple[int, Prompt | ContentError]
"""Number of a line, from 1, and its prompt or why it has none."""


@dataclass(frozen=True)
class PromptList:
    """The prompts of a file.

    Attributes:
        prompts: in the order of the file, none of them empty; those of messages can have special tokens.
        left_out: one sentence on the lines that have no prompt; empty where there are none.
    """

    prompts: tuple[Prompt, ...]
    left_out: str = ""


def read_prompts(path: Path, *, column: str = "", template: str = OF_MODEL, model: Path | None = None) -> PromptList:
    """The prompts in a file; its suffix says how it is read. Empty lines do not count.

    Args:
        path: of a .jsonl, .json, .csv or .tsv file, or of text.
        column: of CSV; by default "prompt", else "text", else the only one.
        template: one of `conversations.CHOICES`, which makes a text of messages, up to the reply that is asked for.
        model: folder of the model whose own template and special tokens that are.

    Raises:
        UserError: when the file cannot be read, is too large, or holds no prompt, or there is no such template.
    """
    conversations = Conversations(template, model)
    try:
        text = read_bytes(path, largest=LARGEST).decode("utf-8-sig")
        lines = list(_lines(path, text, column, conversations))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8; convert it first.") from error
    except ContentError as error:
        raise UserError(f"{path} holds no prompts: {error}.") from error
    finally:
        conversations.close()
    checked = [(number, _checked(found)) for number, found in lines]
    prompts = tuple(found for _, found in checked if not isinstance(found, ContentError))
    bad = [(number, found) for number, found in checked if isinstance(found, ContentError)]
    if len(prompts) > MOST:
        raise UserError(f"{path.name} has {len(prompts):,} prompts; a comparison takes at most {MOST:,}.")
    if not prompts:
        why = f": line {bad[0][0]:,}: {bad[0][1]}" if bad else ""
        raise UserError(f"{path.name} holds no prompt{why}.")
    return PromptList(prompts, _left_out(path, bad))


def _left_out(path: Path, bad: list[tuple[int, ContentError]]) -> str:
    if not bad:
        return ""
    named = "; ".join(f"line {number:,}: {why}" for number, why in bad[:_NAMED])
    more = f"; and {len(bad) - _NAMED:,} more" if len(bad) > _NAMED else ""
    return f"{counted(len(bad), 'line')} of {path.name} left out ({named}{more})."


def _lines(path: Path, text: str, column: str, conversations: Conversations) -> Iterator[_Line]:
    suffix = path.suffix.lower()
    if suffix in _CSV:
        yield from _csv_rows(text, _CSV[suffix], column)
        return
    if suffix == ".json":
        records = parse_json(text)
        for number, record in enumerate(records if isinstance(records, list) else [records], 1):
            yield number, _attempt(record, conversations)
        return
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            continue
        if suffix not in _JSON_LINES:
            yield number, line
            continue
        try:
            record = parse_json(line)
        except ContentError:
            yield number, ContentError("it is not JSON")
        else:
            yield number, _attempt(record, conversations)


def _attempt(record: Any, conversations: Conversations) -> Prompt | ContentError:
    try:
        return _prompt(record, conversations)
    except ContentError as error:
        return error


def _prompt(record: Any, conversations: Conversations) -> Prompt:
    if isinstance(record, str):
        return record
    if not isinstance(record, dict):
        raise ContentError("it is neither a text nor an object")
    field = next((name for name in FIELDS if name in record), None)
    if field is None:
        raise ContentError(f"it has none of the fields {', '.join(FIELDS)}")
    if field in ("prompt", "text"):
        if not isinstance(record[field], str):
            raise ContentError(f"its {field} is no text")
        return str(record[field])
    try:
        return conversations.render(from_messages(record))
    except UserError as error:
        raise ContentError(str(error).rstrip(".")) from error


def _csv_rows(text: str, delimiter: str, column: str) -> Iterator[_Line]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = csv.field_size_limit(LONGEST)
    try:
        heading = [name.strip() for name in next(rows, [])]
        place = _column(heading, column)
        while True:
            number = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, ContentError(str(error))
                continue
            if not row:
                continue
            yield number, row[place] if place < len(row) else ContentError("it has too few columns")
    except csv.Error as error:
        raise ContentError(str(error)) from error
    finally:
        csv.field_size_limit(before)


def _column(heading: list[str], wanted: str) -> int:
    names = (wanted,) if wanted else ("prompt", "text")
    for name in names:
        if name in heading:
            return heading.index(name)
    if not wanted and len(heading) == 1:
        return 0
    raise ContentError(f"no column is called {' or '.join(map(brief, names))}; there are {brief(', '.join(heading))}")


def _checked(found: Prompt | ContentError) -> Prompt | ContentError:
    if isinstance(found, ContentError):
        return found
    text = spelled(found)
    if not text.strip():
        return ContentError("it is empty")
    return found if len(text) <= LONGEST else ContentError(f"it is longer than {LONGEST:,} characters")
