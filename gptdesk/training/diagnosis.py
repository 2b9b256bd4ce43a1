"""Explains why a run crashed, from its run directory, and from where it can resume."""

from __future__ import annotations

import re
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.detached import reap
from gptdesk.training.history.samples import ConsoleTail
from gptdesk.training.launch_record import COMMAND, FAILED, Launch, newest_attempt, phase, read_launch
from trainer.run_directory.state import RunState, boot_id

OUTPUT_LINES: Final = 40

_MISTAKE: Final = 2
"""Exit code of the trainer for errors that the user can correct."""

_MEMORY: Final = re.compile(
    r"out of memory|OutOfMemoryError|\bMemoryError\b|[Cc]annot allocate memory|can't allocate memory|std::bad_alloc"
    r"|CUBLAS_STATUS_ALLOC_FAILED|oom-kill"
)
_DISK: Final = re.compile(r"No space left on device|[Dd]isk quota exceeded|Errno 28|Errno 122")
_FATAL: Final = re.compile(r"Fatal Python error|Segmentation fault|Bus error|core dumped")
_KILLED: Final = re.compile(r"Signal 9 \(SIGKILL\)|exitcode\s*: -9\b")
"""What torchrun prints about a worker that was killed."""

_FELL_WITH_ANOTHER: Final = re.compile(r"[Cc]onnection (closed|reset|refused)|\bpeer\b|\bNCCL\b|\bgloo\b")
"""What the other workers print when they end because of it."""

_TRACEBACK: Final = "Traceback (most recent call last):"

_ADVICE: Final = {
    "memory": "Choose a smaller micro-batch, or turn on activation checkpointing; the result stays the same.",
    "disk": "Free space on the disk, then resume.",
    "not finite": "Resume with a lower learning rate, or with gradient clipping; the checkpoints are intact.",
    "killed": "Try again; if it happens once more, the computer may be short of memory.",
    "settings": "Correct the setting, then start the run again.",
    "error": "Read the output below. Resuming continues from the newest complete checkpoint.",
    "lost": "Check the computer that it runs on; if the trainer has ended there, resume the run.",
}


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Why a run crashed or was lost.

    Attributes:
        cause: ``memory``, ``disk``, ``not finite``, ``killed``, ``settings``, ``error`` or ``lost``.
        sentence: what happened.
        advice: what to do.
        output: the last lines of its console since it was launched.
        traceback: of the error; empty where there is none.
        checkpoint: the newest complete one, by the sizes of its files; ``None`` if there is none.
        step: of that checkpoint.
    """

    cause: str
    sentence: str
    advice: str
    output: tuple[str, ...]
    traceback: str
    checkpoint: Path | None
    step: int | None


def diagnose(folder: Path, state: RunState) -> Diagnosis:
    """Explains why a run crashed or was lost; reads only the end of its console output."""
    reap()
    launch = read_launch(folder)
    console = ConsoleTail(folder, OUTPUT_LINES, start=launch.console if launch else 0)
    console.update()
    output = tuple(line for line in console.lines if line.strip())
    traceback = str(state.exit.get("traceback") or "") or _printed_traceback(output)
    if launch is not None and newest_attempt(folder) > launch.attempt + 1:  # it was resumed elsewhere since
        launch = None
    cause, sentence = _explain(state, launch, folder, output, traceback)
    newest = checkpoints(folder)[-1:]
    return Diagnosis(
        cause=cause,
        sentence=sentence,
        advice=_ADVICE[cause],
        output=output,
        traceback=traceback,
        checkpoint=newest[0].path if newest else None,
        step=newest[0].step if newest else None,
    )


def _explain(
    state: RunState, launch: Launch | None, folder: Path, output: tuple[str, ...], traceback: str
) -> tuple[str, str]:
    """The cause and the sentence."""
    if state.state == "lost":
        host = state.status.get("host")
        return "lost", f"The trainer on {host or 'another computer'} has sent no heartbeat for a while."
    never_began = phase(launch, newest_attempt(folder)) == FAILED
    ending: dict[str, Any] = {} if never_began else state.exit
    reason = str(ending.get("reason") or "")
    if ending.get("cause") == "not finite":
        return "not finite", reason or "The loss or the gradient was not a finite number."
    told = "\n".join([reason, traceback] if ending else output)
    if _MEMORY.search(told):
        return "memory", "The computer ran out of memory."
    if _DISK.search(told):
        return "disk", "The disk was full."
    if (not ending or _FELL_WITH_ANOTHER.search(reason)) and _KILLED.search("\n".join(output)):
        return "killed", _killed(state, None)
    code = ending.get("code", launch.code if launch else None)
    if ending:
        return ("settings" if code == _MISTAKE else "error"), reason or "The trainer ended with an error."
    if code == _MISTAKE and output:
        return "settings", output[-1]
    if _FATAL.search(told) or code in _faults():
        return "error", "The trainer process itself crashed; the settings are not the cause."
    if traceback:
        return "error", f"The trainer ended with an error: {traceback.strip().splitlines()[-1]}"
    if never_began and launch is not None and launch.launcher.kind == COMMAND and code:
        return "error", f"The launch command ended with code {code}."
    if code is not None and code > 0:
        return "error", f"The trainer ended with code {code} and printed no reason."
    return "killed", _killed(state, code)


def _killed(state: RunState, code: int | None) -> str:
    here = state.status.get("host") == socket.gethostname()
    booted = state.status.get("boot_id")
    if code is None and here and booted and boot_id() and booted != boot_id():
        return "The computer was switched off or restarted during the training."
    if code == -signal.SIGTERM:
        return "The trainer was terminated from outside before it could save."
    return "The trainer was killed from outside; the system does that when memory runs out."


def _faults() -> set[int]:
    """Exit codes of processes that the system ended for a fault, such as a segmentation fault."""
    names = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT")
    return {-getattr(signal, name) for name in names if hasattr(signal, name)} | {0xC0000005}


def _printed_traceback(output: tuple[str, ...]) -> str:
    """The last traceback in the output, up to the error's own line."""
    starts = [number for number, line in enumerate(output) if line.endswith(_TRACEBACK)]
    if not starts:
        return ""
    lines = [output[starts[-1]]]
    for line in output[starts[-1] + 1 :]:
        lines.append(line)
        if not line.startswith(" "):
            break
    return "\n".join(lines)
