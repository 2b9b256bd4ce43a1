"""The sections of the GPU's benchmark, most important first, each with its own time limit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

from benchmarks.gpu.options import Options, Report

Values = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One section. Its module is imported when it is run or shown.

    Attributes:
        name: for the command line.
        title: of its part of the report.
        module: in this package; has ``measure`` (or ``function``), ``as_table``, and ``must_reach`` with `has_goals`.
        seconds: that it may take at most.
        needs: packages that it imports beyond those that gptdesk needs.
        function: of the module.
        arguments: for it, before the usual ones.
        has_goals: whether what it finds is held against something.
    """

    name: str
    title: str
    module: str
    seconds: float
    needs: tuple[str, ...] = ()
    function: str = "measure"
    arguments: tuple[str, ...] = ()
    has_goals: bool = False

    def measure(self, options: Options, report: Report) -> None:
        """Measures, handing over what is found as it is found."""
        partial(getattr(self._module(), self.function), *self.arguments)(options, report)

    def as_table(self, values: Values) -> str:
        """What was found, as Markdown."""
        text: str = self._module().as_table(values)
        return text

    def goals(self, values: Values) -> list[dict[str, Any]]:
        """What was to be reached, and whether it was."""
        goals: list[dict[str, Any]] = self._module().must_reach(values) if self.has_goals else []
        return goals

    def missing(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [name for name in (*NEEDED, *self.needs) if find_spec(name) is None]

    def _module(self) -> Any:
        from importlib import import_module

        return import_module(f"benchmarks.gpu.{self.module}")


NEEDED: Final = (
    "torch",
    "numpy",
    "safetensors",
    "tiktoken",
    "tokenizers",
    "pydantic",
    "msgspec",
    "platformdirs",
    "psutil",
)
"""What every section imports."""

SECTIONS: Final = (
    Section("tests", "Tests marked cuda", "card_tests", 150, ("pytest", "hypothesis", "transformers"), has_goals=True),
    Section("decoding", "Decoding at batch 1", "decoding", 80, ("transformers",), has_goals=True),
    Section("training", "Training 124M at context 1024", "training", 130, arguments=("training",), has_goals=True),
    Section("prompts", "Reading a prompt", "prompts", 40, ("transformers",)),
    Section("bundled", "The bundled model's training", "bundled", 180),
    Section(
        "overlap", "Decoding, kernels that overlap", "decoding", 40, ("triton",), function="measure_overlap"
    ),
    Section(
        "decoding-compiled", "Decoding, against `transformers` compiled", "decoding", 80, ("transformers",),
        function="measure_compiled",
    ),
    Section("cudnn", "Training, attention by cuDNN", "training", 90, arguments=("cudnn",)),
    Section("whole-logits", "Training, all logits at once", "training", 90, arguments=("whole-logits",)),
    Section("graphs", "Training a small model with CUDA graphs", "training", 90, arguments=("graphs",)),
    Section("autotune", "Training, kernels chosen by trial", "training", 150, arguments=("autotune",)),
)  # fmt: skip
