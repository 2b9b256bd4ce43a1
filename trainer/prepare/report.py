"""Formats the final report of `prepare`: what became of each source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import TEMPLATES
from gptdesk.number_format import counted
from trainer.prepare.broken import describe
from trainer.prepare.formats import FORMATS

MOST_LINES: Final = 20
"""Files, and reasons, that are named; of more the rest is added up."""


def account_lines(manifest: dict[str, Any], most: int = MOST_LINES) -> list[str]:
    """A line for each source file, one for the template and one for what is learnt, then each reason for leaving out.

    Args:
        manifest: of the prepared folder.
        most: lines of each of the two kinds.

    Raises:
        UserError: when the manifest is damaged.
    """
    try:
        return _account_lines(manifest, most)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError("The manifest's list of sources is damaged; prepare the data again.") from None


def _account_lines(manifest: dict[str, Any], most: int) -> list[str]:
    sources = manifest["sources"]
    lines = [f"{name(source)}: {_account(source)}" for source in sources[:most]]
    if rest := sources[most:]:
        documents, tokens = (sum(source.get(key, 0) for source in rest) for key in ("documents", "tokens"))
        counts = f"{counted(documents, 'document')}, {counted(tokens, 'token')}"
        lines.append(f"{counted(len(rest), 'more file')}: {counts}")
    return [*lines, *_records(manifest.get("records")), *_left_out(manifest["broken"]["list"], most)]


def name(source: dict[str, Any]) -> str:
    """What an entry of the manifest's ``sources`` is called in messages."""
    return f"{source['hub']}/{source['file']}" if "hub" in source else str(source["file"])


def _account(source: dict[str, Any]) -> str:
    """``CSV, cp1252 (guessed), column "body", 20 documents, 1,204 tokens``."""
    parts = [FORMATS[source["format"]].label] if source.get("format") in FORMATS else []
    if source.get("files"):
        parts.append(f"{counted(source['files'], 'file')} in it")
    if source.get("encoding"):
        parts.append(source["encoding"])
    if source.get("column"):
        parts.append(f'text in column "{source["column"]}"')
    parts += [f"{count:,} × {kind}" for kind, count in source.get("records", {}).items()]
    parts += source.get("notes", [])
    parts += [counted(source.get("documents", 0), "document"), counted(source.get("tokens", 0), "token")]
    return ", ".join(parts)


def _records(records: dict[str, Any] | None) -> Iterator[str]:
    """Which template wrote the records, and what is learnt of them."""
    if not records:
        return
    learnt = "everything" if records["learn_prompts"] else "only what the model is to write"
    if template := records.get("template"):
        name = template["name"]
        label = f" ({TEMPLATES[name].label})" if name in TEMPLATES else ""
        yield f"chat template: {name}{label}; every checkpoint keeps it"
    yield f"learnt of records: {learnt}"


def _left_out(entries: Sequence[dict[str, Any]], most: int) -> Iterator[str]:
    for entry in entries[:most]:
        yield f"left out: {describe(entry)}"
    if rest := entries[most:]:
        yield f"left out: {sum(entry['count'] for entry in rest):,} more, for {len(rest):,} reasons, see manifest.json"
