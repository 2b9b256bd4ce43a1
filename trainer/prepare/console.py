"""Reports a preparation: lines for a person, or JSON lines for a program."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.number_format import counted, duration, size
from trainer.prepare.estimate import Estimate
from trainer.prepare.output.manifest import validation_text
from trainer.prepare.progress import MERGE, VOCABULARY, Progress
from trainer.prepare.report import account_lines

_MOST_SOURCES: Final = 1_000
"""Files in the event of the end; all are in the manifest."""


def estimate_sentence(expected: Estimate) -> str:
    """The estimate as a sentence without its full stop."""
    download = f", {size(expected.download_bytes)} to download" if expected.download_bytes else ""
    return (
        f"{counted(expected.files, 'file')}, {size(expected.source_bytes)}{download}; "
        f"about {counted(expected.tokens, 'token')}, {size(expected.result_bytes)}; "
        f"{size(expected.disk_bytes)} of disk while preparing, {size(expected.free_bytes)} free"
    )


class TextReport:
    """For a person: one line that is written over in a terminal, a line now and then elsewhere."""

    _SECONDS_BETWEEN_LINES = 5.0

    def __init__(self) -> None:
        self._begun = False
        self._terminal = sys.stdout.isatty()
        self._last = 0.0
        self._width = 0

    def planned(self, expected: Estimate) -> None:
        self._begun = True
        print(estimate_sentence(expected), flush=True)

    def progress(self, now: Progress) -> None:
        if not self._terminal and now.seconds - self._last < self._SECONDS_BETWEEN_LINES:
            return
        self._last = now.seconds
        share = now.bytes / now.bytes_total if now.bytes_total else 1.0
        left = f", {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        done = f"{counted(now.documents, 'document')}, {counted(now.tokens, 'token')}"
        speed = f"{now.documents_per_s:,.0f} documents/s, {now.tokens_per_s:,.0f} tokens/s"
        what = {MERGE: "merging", VOCABULARY: "making the tokenizer"}.get(now.phase, f"{done}, {speed}")
        loaded = f", {size(now.downloaded)} of {size(now.download_total)} downloaded" if now.download_total else ""
        broken = f", {now.broken:,} broken" if now.broken else ""
        line = f"{share:6.1%}  {what}{loaded}{broken}{left}"
        if self._terminal:
            print("\r" + line.ljust(self._width), end="", flush=True)
            self._width = len(line)
        else:
            print(line, flush=True)

    def finished(self, manifest: dict[str, Any], folder: Path) -> None:
        self._end_line()
        if not self._begun:
            print(f"{folder} holds these sources already; nothing was left to do.")
        for split, summary in manifest["splits"].items():
            print(f"{split}: {counted(summary['documents'], 'document')}, {counted(summary['tokens'], 'token')}")
        if remark := validation_text(manifest):
            print(remark)
        for line in account_lines(manifest):
            print(line)

    def stopped(self, folder: Path) -> None:
        self._end_line()
        print(f"Stopped. What is done stays in {folder}; the same command resumes there.", flush=True)

    def failed(self, error: UserError) -> None:
        self._end_line()

    def _end_line(self) -> None:
        if self._width:
            print(flush=True)
            self._width = 0


class EventReport:
    """For a program: one JSON object a line."""

    def planned(self, expected: Estimate) -> None:
        self._say("plan", expected.to_json())

    def progress(self, now: Progress) -> None:
        self._say("progress", asdict(now))

    def finished(self, manifest: dict[str, Any], folder: Path) -> None:
        splits = {
            split: {"documents": summary["documents"], "tokens": summary["tokens"]}
            for split, summary in manifest["splits"].items()
        }
        sources = manifest["sources"]
        self._say(
            "finished",
            {
                "folder": str(folder),
                "splits": splits,
                "validation": manifest["settings"]["validation"],
                "broken": manifest["broken"],
                "sources": sources[:_MOST_SOURCES],
                "sources_total": len(sources),
            },
        )

    def stopped(self, folder: Path) -> None:
        self._say("stopped", {"folder": str(folder)})

    def failed(self, error: UserError) -> None:
        self._say("failed", {"message": str(error)})

    def _say(self, event: str, values: dict[str, Any]) -> None:
        print(json.dumps({"event": event} | values), flush=True)
