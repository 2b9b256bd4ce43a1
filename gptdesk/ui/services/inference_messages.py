"""Messages between the window and the inference worker: jobs, model information, failures."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

NO_MODEL: Final = "No model is loaded; choose one at the top of the window."

_numbers = itertools.count(1)


class State(Enum):
    """What the model is doing."""

    EMPTY = "no model"
    LOADING = "loading"
    READY = "ready"
    GENERATING = "generating"
    STOPPING = "stopping"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work for the inference thread; it can be cancelled from any thread.

    Attributes:
        number: identifies the job in what the worker reports.
    """

    number: int = msgspec.field(default_factory=lambda: next(_numbers))
    _cancelled: threading.Event = msgspec.field(default_factory=threading.Event)

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()


class LoadJob(Job, frozen=True):
    """Loads a model.

    Attributes:
        model: name, or folder.
        find: returns the folder of a model's name; raises UserError when there is none.
        device: as in `choose_device`.
        precision: as in `choose_precision`.
        threads: for decoding on a CPU; 0 for one per core.
        keep: folder for quantized copies of models, which load faster the next time; ``None`` keeps none.
    """

    model: str
    find: Callable[[str], Path]
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    keep: Path | None = None


class GenerateJob(Job, frozen=True):
    """Completes ``prompt``; the fields are arguments of `Engine.generate`, and what is changed in the model before.

    Each of several completions can be cancelled by itself, from any thread.
    """

    prompt: str | MixedText
    settings: DecodingSettings
    backend: str = ""
    intervention: Intervention = WHOLE
    _cancelled_ones: set[int] = msgspec.field(default_factory=set)

    def cancel_one(self, index: int) -> None:
        self._cancelled_ones.add(index)

    def cancelled_one(self, index: int) -> bool:
        return index in self._cancelled_ones


class ModelInfo(msgspec.Struct, frozen=True):
    """A model that is loaded.

    Attributes:
        model: name or folder that was asked for.
        name: to show.
        parameters: number of weights.
        context: context length, in tokens.
        device: "cpu", "cuda:0", ...
        precision: of the weights.
        backend: what decodes: "numba" for compiled code; or the network, "numpy" or "torch".
        memory: bytes of the weights, in all forms that are kept.
        tokenizer: of the model.
        shape: number of layers, and of heads in each.
        assumed_tokenizer: whether the model's folder brings none, so that OpenAI's was taken.
        compiling: the CPU decoder is being compiled; until it is ready NumPy decodes.
        folder: of the model's files.
        weights: SHA-256 of the weights (`hash_weights`); ``None`` until it is computed, "" where it cannot be.
        runtime: as `runtime_of` returns it.
    """

    model: str
    name: str
    parameters: int
    context: int
    device: str
    precision: str
    memory: int
    tokenizer: Tokenizer
    shape: tuple[int, int] = (0, 0)
    assumed_tokenizer: bool = False
    backend: str = "torch"
    compiling: bool = False
    folder: Path | None = None
    weights: str | None = None
    runtime: str = ""


class Failure(msgspec.Struct, frozen=True):
    """Why a job did not end as it should.

    Attributes:
        sentence: what happened and what to do; empty when it was only cancelled.
        traceback: of an error of ours; empty for other failures.
    """

    sentence: str = ""
    traceback: str = ""
