"""Environment variables to set before torch is imported, and the console log. Imports no torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gptdesk.devices import set_thread_environment
from gptdesk.folders import Folders
from trainer.config.schema import TrainConfig
from trainer.run_directory.layout import CONSOLE


def prepare_environment() -> None:
    """Sets thread behaviour and keeps compiled code between runs; variables that are set already stay."""
    set_thread_environment()
    cache = Folders.of_this_user().cache / "compiled"
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache))
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # huge pages for torch's tensors on Linux


@contextmanager
def console_log(config: TrainConfig, rank: int) -> Iterator[Callable[[str], None]]:
    """Yields a function that prints a line and appends it to ``console.log``, unless standard output is that file."""
    path = Path(config.run.folder) / CONSOLE
    if rank or not config.run.folder or _is_standard_output(path):
        yield _print
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:

        def print_line(line: str) -> None:
            _print(line)
            try:
                log.write(line + "\n")
                log.flush()
            except OSError:
                return  # a full disk must not end a run; the line was printed

        yield print_line


def _print(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:
        return  # the reader is gone, or the disk is full


def _is_standard_output(path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), path.stat())
    except (OSError, ValueError):
        return False
