"""One contender in a process of its own, told over a pipe what to measure; `Worker` is the other end.

A process of its own, because peers bring OpenMP runtimes that disturb each other, want other settings of them, and
because only so the memory that loading takes can be told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.caches import Caches
from benchmarks.contender import Contender, Text
from benchmarks.ours import Ours
from benchmarks.peer_files import Spec
from benchmarks.peers import CTranslate2, LlamaCpp, Transformers

CONTENDERS: Final[dict[str, type[Contender]]] = {
    "ours": Ours,
    "transformers": Transformers,
    "llama.cpp": LlamaCpp,
    "CTranslate2": CTranslate2,
}

SLEEPING_THREADS: Final = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
"""As gptdesk sets them before torch loads. On a busy machine transformers is faster with them too; the others run with
what their runtimes do by themselves."""

_SLEEPERS: Final = ("ours", "transformers")
FIRST_PROMPT: Final = 32
"""Tokens of the prompt whose first token is timed."""


class Worker:
    """A process with a loaded contender.

    Attributes:
        loading: what loading took: ``seconds`` until the model was loaded and ``first_token_s`` until it had read a
            prompt besides, as some programs read their weights only then; ``before_bytes`` of memory after the imports,
            ``peak_bytes`` at most while loading and ``peak_first_token_bytes`` until that token.
    """

    def __init__(self, spec: Spec, threads: int) -> None:
        self.spec = spec
        environment = {name: value for name, value in os.environ.items() if name not in SLEEPING_THREADS}
        if spec.program in _SLEEPERS:
            environment |= SLEEPING_THREADS
        command = [
            sys.executable,
            "-m",
            "benchmarks.worker",
            spec.program,
            spec.precision,
            str(spec.path),
            str(threads),
        ]
        self._process = subprocess.Popen(  # `-m` looks in the working directory first
            command, cwd=spec.checkout, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.loading: dict[str, Any] = self._answer()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, what: str, **arguments: Any) -> Any:
        """What the method of `_Measuring` of that name returns."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.spec.name} ended with status {self._process.wait()}; what it said is above.")
        return json.loads(line)


class _Measuring:
    """What can be asked for."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._texts: dict[int, Text] = {}
        self._scratch: Text | None = None
        self._caches: Caches | None = None
        self._turn = 0
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def _use(self, threads: int) -> None:
        """That many threads, on as many cores, the first ones: one thread would be on the same core for minutes, and
        another machine may have the other half of that one alone."""
        self._contender.set_threads(threads)
        for thread in os.listdir("/proc/self/task") if self._cores else ():
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(int(thread), self._cores[:threads])

    def decode(self, context: int, tokens: int, threads: int, from_memory: bool = False) -> list[float]:
        """Seconds of each of ``tokens`` steps after ``context`` tokens, greedily, choosing by argmax included;
        with ``from_memory`` nothing is in the processor's caches before each."""
        before = self._empty_caches if from_memory else _do_nothing
        self._use(threads)
        if isinstance(self._contender, CTranslate2):
            return self._contender.generate([0] * context, tokens + 2, before)[2:]
        if context not in self._texts:
            self._texts[context] = self._contender.open()
            self._texts[context].read([0] * context)
        text = self._texts[context]
        text.rewind()
        text.step(0)  # wakes threads and caches
        text.rewind()
        seconds, id = [], 0
        for _ in range(tokens):
            before()
            began = time.perf_counter()
            id = int(text.step(id).argmax())
            seconds.append(time.perf_counter() - began)
        return seconds

    def _empty_caches(self) -> None:
        self._caches = self._caches or Caches()
        self._caches.empty()

    def first_token(self, prompt: int, threads: int) -> float:
        """Seconds from ``prompt`` tokens that were not read before to the token after them."""
        self._use(threads)
        self._turn += 1
        ids = [(7 * self._turn + 13 * place) % 50_000 for place in range(prompt)]
        if isinstance(self._contender, CTranslate2):
            return self._contender.generate(ids, 1)[0]
        self._scratch = self._scratch or self._contender.open()
        began = time.perf_counter()
        self._scratch.read(ids).argmax()
        return time.perf_counter() - began

    def score(self, ids: Sequence[int], window: int) -> list[float]:
        """Natural log-probabilities of every token but the first of each window, token by token."""
        import numpy as np

        text, found = self._contender.open(), []
        for start in range(0, len(ids) - window + 1, window):
            part = ids[start : start + window]
            logits = text.read(part[:1])
            for id in part[1:]:
                scores = logits.astype(np.float64)
                top = scores.max()
                found.append(float(scores[id] - top - np.log(np.exp(scores - top).sum())))
                logits = text.step(id)
        return found


def _do_nothing() -> None:
    pass


def memory(what: str) -> int:
    """Bytes of this process's memory: "VmHWM" at most so far, "VmRSS" now; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(what)), 0)


def main() -> None:
    """Loads the contender that is named and answers until nobody asks any more."""
    program, precision, path, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not come between
    contender_class = CONTENDERS[program]
    contender_class.prepare()
    before, began = memory("VmRSS"), time.perf_counter()
    contender = contender_class(Path(path), precision, int(threads))
    told: Any = {
        "seconds": time.perf_counter() - began,
        "before_bytes": before,
        "peak_bytes": memory("VmHWM"),
    }
    measuring = _Measuring(contender)
    measuring.first_token(FIRST_PROMPT, int(threads))
    told |= {"first_token_s": time.perf_counter() - began, "peak_first_token_bytes": memory("VmHWM")}
    print(json.dumps(told), file=answers, flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        told = getattr(measuring, wanted.pop("what"))(**wanted)
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
