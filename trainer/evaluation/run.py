"""Runs every task on every model, with one model in memory at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from trainer.evaluation.models import FoundModel
from trainer.evaluation.progress import ProgressLine
from trainer.evaluation.report import Result, write_results
from trainer.evaluation.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Models, tasks to measure them by, and the results so far.

    Attributes:
        models: to measure.
        tasks: to measure them by.
        device: on which.
        precision: of the weights.
        batch_tokens: tokens put through the network at once.
        file: of the results; ``None``: they are not written.
        results: grows task by task.
    """

    models: list[FoundModel]
    tasks: list[Task]
    device: torch.device
    precision: torch.dtype
    batch_tokens: int
    file: Path | None
    results: list[Result]

    def measure_all(self) -> None:
        """Measures, and writes the results after every task, so that an interruption loses one task at most.

        Raises:
            UserError: when a model cannot be loaded or measured, or the results not be written.
        """
        self._write(complete=False)
        for found in self.models:
            model = load_model(found.folder, dtype=self.precision, device=self.device)
            tokenizer = load_tokenizer(found.folder, model.config)
            for task in self.tasks:
                self._measure(found, model, tokenizer, task)
                self._write(complete=False)
        self._write(complete=True)

    def _measure(self, found: FoundModel, model: GPT2, tokenizer: Tokenizer, task: Task) -> None:
        line = ProgressLine(f"{found.name}, {task.name}", task.unit)
        began = time.monotonic()
        try:
            measured = task.measure(model, tokenizer, batch_tokens=self.batch_tokens, progress=line)
        finally:
            line.clear()
        seconds = time.monotonic() - began
        self.results.extend(Result(found.name, item, seconds) for item in measured)

    def _write(self, *, complete: bool) -> None:
        if self.file is None:
            return
        write_results(
            self.file,
            self.results,
            complete=complete,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            device=str(self.device),
            precision=str(self.precision).removeprefix("torch."),
            torch=torch.__version__,
            models=[{"name": found.name, "folder": str(found.folder)} for found in self.models],
        )
