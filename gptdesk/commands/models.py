"""``gptdesk models``: lists, downloads, verifies, imports, exports and removes models."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gptdesk import number_format
from gptdesk.commands.progress_bar import ProgressBar
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.library.downloads.status import DownloadStatus
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.importing.formats import formats_text
from gptdesk.library.library import Library
from gptdesk.library.memory import fits, memory_needed
from gptdesk.system_memory import free_memory

NOT_DONE: Final = 1
"""Exit status if the operation failed: a failed download, a damaged file."""

_PRECISIONS: Final = ("float32", "bfloat16")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command to the command line."""
    parser = commands.add_parser(
        "models",
        help="list, download, verify, import, export and remove models",
        description="Exit status: 0 done, 1 failed, 2 wrong arguments.",
        allow_abbrev=False,
    )
    jobs = parser.add_subparsers(required=True, metavar="JOB")

    def job(name: str, run: Callable[[argparse.Namespace], int], help: str, description: str = "") -> Any:
        job_parser = jobs.add_parser(
            name, help=help, description=description or f"{help[0].upper()}{help[1:]}.", allow_abbrev=False
        )
        job_parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
        job_parser.set_defaults(run=run)
        return job_parser

    one = job("list", _list, "list installed and downloadable models")
    one.add_argument("--all", action="store_true", help="list all models to download that gptdesk knows")
    one = job("info", _info, "show the details of a model")
    one.add_argument("name", metavar="NAME", help="name of a model in the list, or its folder")
    one = job(
        "download",
        _download,
        "download a model from the hub, or resume a download",
        "Downloads a model from the hub and verifies it; resumes an earlier download. Ctrl+C keeps what "
        "was downloaded. HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and proxies work as in Hugging Face's own programs.",
    )
    one.add_argument("model", metavar="MODEL", help="a name that gptdesk models list --all shows, or OWNER/NAME")
    one.add_argument("--revision", metavar="REVISION", help="branch, tag or commit (default: the newest)")
    one.add_argument("--name", metavar="NAME", help="name on this computer (default: as on the hub)")
    one = job("verify", _verify, "verify the files of a model by their SHA-256")
    one.add_argument("name", metavar="NAME", help="name of a model in the list, or its folder")
    one = job(
        "import",
        _import,
        "import a model from a folder or file",
        f"Imports {formats_text()}.",
    )
    one.add_argument("path", metavar="PATH", type=Path, help="folder or file")
    one.add_argument("--name", metavar="NAME", help="name on this computer (default: that of the folder or file)")
    one.add_argument("--link", action="store_true", help="link to the files instead of copying them")
    one.add_argument(
        "--base", metavar="NAME", help="model that an adapter is merged with; the one that it names when not given"
    )
    one = job("export", _export, "write a model to a folder, or to a GGUF file for llama.cpp")
    one.add_argument("name", metavar="NAME", help="name of a model in the list, or its folder")
    one.add_argument("target", metavar="TARGET", type=Path, help="a new folder, or a .gguf file")
    one.add_argument("--precision", default="float16", help="of the matrices in a GGUF file: float32 or float16")
    one = job("remove", _remove, "remove a model from the models folder")
    one.add_argument("name", metavar="NAME", help="name of a model in the models folder")


def _library() -> Library:
    """The library of this user, with the runs in watched folders."""
    from gptdesk.training.index import RunIndex

    folders = Folders.of_this_user()
    return Library(folders, lambda: RunIndex(folders.data / "runs.json", folders.runs).watched)


def _list(options: argparse.Namespace) -> int:
    from gptdesk.library.downloads.manager import Downloads

    folders = Folders.of_this_user()
    entries = _library().entries()
    unfinished = Downloads(folders).list()
    if options.json:
        for entry in entries:
            _print_json(_values(entry))
        for download in unfinished:
            _print_json({"name": download.name, "kind": "download", "state": download.state, "repo": download.repo,
                         "done": download.done, "total": download.total, "error": download.error})  # fmt: skip
        return 0
    shown = [entry for entry in entries if options.all or not entry.more]
    rows = [("NAME", "PARAMETERS", "SIZE", "WHERE"), *map(_row, shown)]
    for download in unfinished:
        where = f"incomplete; resume with: gptdesk models download {download.repo}"
        rows.append((download.name, "", _share(download), where))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, parameters, size, where in rows:
        print(f"{name:<{widths[0]}}  {parameters:>{widths[1]}}  {size:>{widths[2]}}  {where}".rstrip())
    if left := len(entries) - len(shown):
        print(f"{left} more to download: gptdesk models list --all")
    return 0


def _row(entry: LibraryEntry) -> tuple[str, str, str, str]:
    where = {
        "bundled": "comes with gptdesk", "installed": "installed", "linked": f"linked to {entry.path}",
        "run": "checkpoint of a run", "cache": "in the hub's cache", "known": "to download", "folder": str(entry.path),
    }[entry.kind]  # fmt: skip
    parameters = number_format.parameters(entry.parameters) if entry.parameters else ""
    bytes = entry.size or entry.download
    size = number_format.size(bytes) if bytes else ""
    return entry.name, parameters, size, entry.problem if entry.state == "damaged" else where


def _info(options: argparse.Namespace) -> int:
    entry = _library().entry(options.name)
    if options.json:
        _print_json(_values(entry))
        return 0
    lines: dict[str, object] = {
        "name": entry.name, "state": entry.state, "problem": entry.problem, "what": entry.note, "folder": entry.path,
        "parameters": f"{entry.parameters:,}" if entry.parameters else "",
        "size": number_format.size(entry.size) if entry.size else "",
        "to download": number_format.size(entry.download) if entry.download else "",
        "hub": f"{entry.repo}@{entry.revision}" if entry.repo else "", "from": entry.source,
        "left out": entry.left_out,
        "licence": "not known; see the card" if entry.licence_unknown else entry.licence,
        "card": entry.card_url, "added": _date_text(entry.added),
        "precision": entry.defaults.precision, "decoding": dict(entry.defaults.decoding) or "",
    }  # fmt: skip
    if (config := entry.config) is not None:
        lines["shape"] = f"{config.n_layer} layers, {config.n_head} heads, width {config.n_embd}"
        lines["context"] = f"{config.n_positions:,} tokens"
        for precision in _PRECISIONS:
            lines[f"memory, {precision}"] = number_format.size(memory_needed(config, precision))
        free = free_memory()
        lines["memory, free"] = number_format.size(free) if free is not None else ""
        lines["!"] = fits(config)
    for name, hash in entry.sha256.items():
        lines[f"sha256 of {name}"] = hash
    for label, value in lines.items():
        if value not in ("", None):
            print(f"{label:<22}  {value}")
    return 0


def _date_text(iso: str) -> str:
    """An ISO time as local time, such as "28 November 2026, 10:51"; empty if it is none."""
    try:
        at = datetime.fromisoformat(iso).astimezone()
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{at.day} {at:%B %Y, %H:%M}"


def _download(options: argparse.Namespace) -> int:
    from gptdesk.library.downloads.manager import Downloads

    ended = threading.Event()
    bar = ProgressBar(options.model)

    def on_change(download: DownloadStatus) -> None:
        if options.json:
            _print_json({
                "event": "progress", "state": download.state, "done": download.done, "total": download.total,
                "bytes_per_s": round(download.bytes_per_s), "seconds_left": download.seconds_left,
                "waiting": download.waiting,
            })  # fmt: skip
        bar.show(download.done, download.total, _note(download))
        if not download.active:
            ended.set()

    downloads = Downloads(Folders.of_this_user(), on_change=on_change)
    try:
        number = downloads.add(options.model, options.revision, name=options.name).number
        while not ended.wait(1.0):  # a wait without an end could not be interrupted on Windows
            pass
    except KeyboardInterrupt:
        downloads.close()
        bar.end()
        _say(options, "paused", "Paused; the downloaded part is kept. Run the same command again to resume.")
        raise
    download = downloads.status(number)
    assert download is not None, "only this process could cancel or forget it"
    bar.show(download.done, download.total, _note(download), now=True)
    bar.end()
    if download.state == "ready":
        _say(
            options,
            "ready",
            f"{download.name} is ready in {download.path}.",
            name=download.name,
            path=str(download.path),
        )
        return 0
    error = download.error
    if not download.done:  # nothing to resume
        with suppress(UserError):
            downloads.cancel(number)
        downloads.close()
    return _failed(options, error)


def _share(download: DownloadStatus) -> str:
    return f"{number_format.size(download.done)} of {number_format.size(download.total)}"


def _note(download: DownloadStatus) -> str:
    if download.state == "verifying":
        return "verifying"
    if download.waiting:
        return download.waiting
    note = (
        f"{number_format.size(download.done)} of {number_format.size(download.total)}"
        if download.total
        else "asking the hub"
    )
    if download.bytes_per_s:
        note += f", {number_format.size(download.bytes_per_s)}/s"
    if download.seconds_left is not None and download.state == "downloading":
        note += f", {number_format.duration(download.seconds_left)} left"
    return note


def _verify(options: argparse.Namespace) -> int:
    from gptdesk.library.verify import verify

    entry = _library().entry(options.name)
    if entry.state == "damaged":
        return _failed(options, entry.problem)
    bar = ProgressBar(entry.name)
    try:
        result = verify(entry, bar.progress)
    except UserError as error:
        if entry.path is None:
            raise
        return _failed(options, str(error))
    finally:
        bar.end()
    files = [
        {"name": file.name, "bytes": file.bytes, "sha256": file.got, "expected": file.expected} for file in result.files
    ]
    if not result.ok:
        return _failed(options, result.sentence, files=files)
    _say(options, "verified", result.sentence, files=files)
    return 0


def _import(options: argparse.Namespace) -> int:
    from gptdesk.library.import_ import import_model, look_at

    base = None if options.base is None else _library().entry(options.base)
    bar = ProgressBar(options.path.name)
    left_out = look_at(Folders.of_this_user(), options.path).left_out
    try:
        entry = import_model(
            Folders.of_this_user(), options.path, name=options.name, link=options.link, base=base, progress=bar.progress
        )
    finally:
        bar.end()
    sentence = f"{options.path} is imported as {entry.name}."
    if left_out:
        sentence += f" The language model is used; {left_out} is left out."
    _say(options, "imported", sentence, name=entry.name, path=str(entry.path), left_out=left_out)
    return 0


def _export(options: argparse.Namespace) -> int:
    from gptdesk.library.exporting.export import export_folder, export_gguf

    entry = _library().entry(options.name)
    bar = ProgressBar(entry.name)
    try:
        if options.target.suffix.lower() == ".gguf":
            export_gguf(entry, options.target, precision=options.precision, progress=bar.progress)
        else:
            export_folder(entry, options.target, progress=bar.progress)
    finally:
        bar.end()
    _say(options, "exported", f"Exported {entry.name} to {options.target}.", path=str(options.target))
    return 0


def _remove(options: argparse.Namespace) -> int:
    freed = Library(Folders.of_this_user()).remove(options.name)
    _say(options, "removed", f"Removed {options.name}; {number_format.size(freed)} freed.", freed=freed)
    return 0


def _values(entry: LibraryEntry) -> dict[str, Any]:
    """An entry as JSON."""
    config = entry.config
    memory = {} if config is None else {name: memory_needed(config, name) for name in _PRECISIONS}
    return {
        **{name: getattr(entry, name) for name in (
            "name", "kind", "state", "problem", "parameters", "size", "download", "repo", "revision", "source",
            "licence", "card_url", "note", "left_out", "added",
        )},
        "path": None if entry.path is None else str(entry.path),
        "sha256": dict(entry.sha256),
        "memory": memory,
        "precision": entry.defaults.precision,
        "decoding": dict(entry.defaults.decoding),
    }  # fmt: skip


def _say(options: argparse.Namespace, event: str, sentence: str, **values: Any) -> None:
    if options.json:
        _print_json({"event": event, **values})
    else:
        print(sentence, flush=True)


def _failed(options: argparse.Namespace, sentence: str, **values: Any) -> int:
    """Reports the failure and returns its exit status."""
    if options.json:
        _print_json({"event": "failed", "error": sentence, **values})
    else:
        print(" ".join(sentence.splitlines()), file=sys.stderr)
    return NOT_DONE


def _print_json(values: dict[str, Any]) -> None:
    print(json.dumps(values, ensure_ascii=False), flush=True)
