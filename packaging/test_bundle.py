#!/usr/bin/env python3
"""Imports and runs everything that is in a bundle: each library, format, optimizer, command and way to start a process.

``packaging/test_bundle.py dist/gptdesk/gptdesk-cli`` tries a bundle, ``packaging/test_bundle.py python -m gptdesk`` the
source tree, for comparison. Takes some minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from project import ROOT

sys.path.insert(0, str(ROOT))

PATIENCE: Final = 1800
"""Seconds that one command may take."""

_STORY: Final = "Once upon a time there was a bear who lived in the wood and loved honey more than anything. " * 200


class Failed(Exception):
    """A command ended otherwise than expected; ``str(error)`` says how."""


class Program:
    """The program under test, in folders of its own.

    Attributes:
        folder: that commands run in.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command = [str(Path(command[0]).resolve()) if Path(command[0]).exists() else command[0], *command[1:]]
        self.folder = folder
        self.environment = {**os.environ, "GPTDESK_HOME": str(folder / "home"), "QT_QPA_PLATFORM": "offscreen"}

    def run(self, *arguments: str, module: str = "") -> str:
        """Runs a command, or a module of the bundle, and returns its output.

        Raises:
            Failed: when its exit status is not 0.
        """
        words = [self.command[0], "-m", module, *arguments] if module else [*self.command, *arguments]
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if done.returncode:
            raise Failed(
                f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
        return done.stdout


def imports(program: Program) -> None:
    """Every module, library, decoder, optimizer and codec"""
    print(program.run(module="bundle_check"), end="")


def commands(program: Program) -> None:
    """Each command of the command line"""
    program.run("complete", "Once upon a time", "--max-tokens", "5", "--temperature", "0")
    program.run("score", "Once upon a time there was a bear")
    program.run("continuations", "Once upon a", "--endings", " time", " bear")
    program.run("tokenize", "How many tokens is this?")
    program.run("models", "list")
    report = json.loads(program.run("doctor", "--json"))
    if report["problems"]:
        raise Failed(f"doctor: {report['problems']}")


def formats(program: Program) -> None:
    """Training data in each format that can be made here"""
    write_texts(program.folder / "texts")
    for path in sorted((program.folder / "texts").iterdir()):
        program.run("trainer", "prepare", str(path), "--out", f"data-{path.suffix[1:]}")


def trains(program: Program) -> None:
    """Training with each optimizer, a LoRA adapter, and two processes in each way"""
    from trainer.optimizers.table import OPTIMIZERS

    brief = ("--schedule.steps", "2", "--schedule.warmup_steps", "1", "--run.device", "cpu")
    data = ("--data", "data-txt")
    for name in OPTIMIZERS:
        run = ("--out", f"run-{name}", "--optim.optimizer", name)
        program.run("trainer", "train", "--preset", "smoke", *data, *run, *brief)
    program.run("trainer", "eval", "run-adamw", "--data", "data-txt")
    program.run("trainer", "sample", "run-adamw", "--prompt", "Once")
    for parallel in ("ddp", "fsdp"):
        words = ("--standalone", "--nproc-per-node", "2", "-m", "trainer", "train", "--preset", "smoke", *data)
        program.run(
            *words, "--out", f"run-{parallel}", "--run.parallel", parallel, *brief, module="torch.distributed.run"
        )


def models(program: Program) -> None:
    """Export to GGUF, and import of it"""
    program.run("models", "export", "stories", "model.gguf")
    program.run("models", "import", "model.gguf", "--name", "again")
    program.run("complete", "Once", "--model", "again", "--max-tokens", "3")


def write_texts(folder: Path) -> None:
    """One file of each format that Python writes by itself."""
    import gzip
    import zipfile

    folder.mkdir()
    (folder / "story.txt").write_text(_STORY)
    (folder / "story.md").write_text(f"# A story\n\n{_STORY}")
    (folder / "story.html").write_text(f"<p>{_STORY}</p>")
    (folder / "story.jsonl").write_text("\n".join([json.dumps({"text": _STORY})] * 5))
    (folder / "story.csv").write_text("text\n" + "\n".join([f'"{_STORY}"'] * 5))
    (folder / "story.gz").write_bytes(gzip.compress(_STORY.encode()))
    with zipfile.ZipFile(folder / "story.zip", "w") as packed:
        packed.writestr("story.txt", _STORY)


CHECKS: Final[tuple[Callable[[Program], None], ...]] = (imports, commands, formats, trains, models)


def main() -> int:
    """Makes all checks and returns the exit status."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 2 * (len(sys.argv) < 2)
    with tempfile.TemporaryDirectory(prefix="gptdesk-bundle-") as temporary:
        program = Program(sys.argv[1:], Path(temporary))
        for check in CHECKS:
            print(f"{(check.__doc__ or '').splitlines()[0]} ...", flush=True)
            try:
                check(program)
            except Failed as error:
                print(error, file=sys.stderr)
                return 1
    print("Everything that is in it runs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
