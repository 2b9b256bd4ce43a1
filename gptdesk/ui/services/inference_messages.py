"""Messages between the window and the inference thread: jobs to do, and what became of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from gptdesk.inference.sampling.settings import DecodingSettings

NO_MODEL: Final = "No model is loaded; choose one at the top of the window."

_numbers = itertools.count(1)


class State(Enum):
    """What the model is doing."""

    EMPTY = "no model"
    LOADING = "loading"
    READY = "ready"
    GENERATING = "generating"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Job:
    """Something for the thread to do; whoever keeps it can cancel it.

    Attributes:
        number: tells the news of one job from those of another.
    """

    number: int = field(default_factory=lambda: next(_numbers), init=False)
    _cancelled: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()


@dataclass(frozen=True)
class LoadJob(Job):
    """Read a model.

    Attributes:
        model: name, or folder.
        find: gives the folder of a model's name; raises UserError when there is none.
        device: as in `choose_device`.
        precision: as in `choose_precision`.
        threads: to decode with on a CPU; 0 for as many as it has cores.
    """

    model: str
    find: Callable[[str], Path]
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0


@dataclass(frozen=True)
class GenerateJob(Job):
    """Complete ``prompt``."""

    prompt: str
    settings: DecodingSettings


@dataclass(frozen=True)
class ModelInfo:
    """A model that is loaded.

    Attributes:
        model: the name or folder that it was asked for by.
        name: for people.
        parameters: number of weights.
        context: tokens that it can read.
        device: "cpu", "cuda:0", ...
        precision: of the weights.
        backend: what decodes: "torch", or "numba" for compiled code.
        memory: bytes of the weights, in all the forms in which they are kept.
        compiling: faster code for this processor is being compiled; until it is there torch writes.
    """

    model: str
    name: str
    parameters: int
    context: int
    device: str
    precision: str
    memory: int
    backend: str = "torch"
    compiling: bool = False


@dataclass(frozen=True)
class Failure:
    """A job ended otherwise than it should.

    Attributes:
        sentence: what happened and what to do; empty when it was only cancelled.
        traceback: of a mistake of ours; empty when it was none.
    """

    sentence: str = ""
    traceback: str = ""
