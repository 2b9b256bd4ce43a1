"""Renders templates of strangers in a process of its own, which is ended when it takes too long or too much memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gptdesk.chat.templates.failure import MEMORY, TemplateFailed
from gptdesk.child_process import child_environment, python_command

if TYPE_CHECKING:  # both are imported when a template is rendered: not at the start of the window
    import subprocess

    import psutil

CPU_SECONDS: Final = 3.0
"""Processor time that one rendering may take: ten thousand turns take a tenth of one second."""

WALL_SECONDS: Final = 120.0
"""Time that one rendering may take in all, on a machine that is busy with something else."""

_POLL_SECONDS: Final = 0.02


class TemplateProcess:
    """The process that renders; started with the first template, and again after it was ended. For any thread.

    Attributes:
        starts: how often it was started.
    """

    def __init__(self) -> None:
        self.starts = 0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def render(self, source: str, variables: Mapping[str, Any]) -> str:
        """The text that a template makes of ``variables``, which hold what JSON holds.

        Raises:
            TemplateFailed: when it cannot be rendered, or takes too much of time or memory.
        """
        request = json.dumps({"template": source, "variables": variables}).encode() + b"\n"
        with self._lock:
            answer = self._ask(request)
        if "error" in answer:
            raise TemplateFailed(answer["error"], of_author=answer["of_author"])
        text: str = answer["text"]
        return text

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _ask(self, request: bytes) -> dict[str, Any]:
        process = self._process
        if process is None or process.poll() is not None:
            self._end()
            process = self._process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = _Watch(process)
        try:
            process.stdin.write(request)
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:  # it was ended while it read
            line = b""
        finally:
            watch.stop()
        if not line.endswith(b"\n"):
            self._end()
            raise TemplateFailed(watch.reason or "the process that renders it ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        import subprocess

        self.starts += 1
        return subprocess.Popen(
            python_command("gptdesk.chat.templates.sandbox"),
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not flushed has no reader any more
                        pipe.close()


class _Watch:
    """Ends a process that takes too much while it answers.

    Attributes:
        reason: why it was ended; empty if it was not.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.reason = ""
        self._process = process
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch a template", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        import psutil

        began = time.monotonic()
        with suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            before = _cpu_seconds(process)
            while not self._done.wait(_POLL_SECONDS):
                if _cpu_seconds(process) - before > CPU_SECONDS or time.monotonic() - began > WALL_SECONDS:
                    self.reason = f"it takes longer than {CPU_SECONDS:.0f} seconds"
                elif process.memory_info().rss > MEMORY:
                    self.reason = f"it needs more than {MEMORY >> 20:,} MB of memory"
                if self.reason:
                    self._process.kill()
                    return


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
