"""Records what a trainer does: events and status in the run directory, lines for the console.

A "step" event holds ``tokens`` and ``epoch`` (trained until then) and the values of `gptdesk.metrics`; docs/METRICS.md
lists them. With several processes they are those of the process that records.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from trainer.config.schema import RunSection
from trainer.evaluation.validation import Validation
from trainer.hardware import Load, peak_flops
from trainer.loop import NotFinite, StepValues, Trainer
from trainer.measures import LoggedStep, measure
from trainer.run_directory.layout import EXIT
from trainer.run_directory.writer import RunWriter

Log = Callable[[str], None]

SLOW_FIRST_STEPS: Final = 2
"""Steps at the start (compiling, warming up) before which no time left is given."""


class Recorder:
    """Turns what a `Trainer` does into events, status and console lines; does nothing in processes that do not record.

    Args:
        trainer: at the step to start or resume from.
        run: the run directory, in the process that records; None in the others.
        log: prints a line.
    """

    def __init__(self, trainer: Trainer, run: RunWriter | None, *, log: Log) -> None:
        self._trainer = trainer
        self._run = run
        self.log = log if trainer.processes.is_main else _log_nothing
        self._first_step = trainer.state.step
        self._peak = peak_flops(trainer.device, trainer.precision)
        self._load = Load(trainer.device)

    def event(self, kind: str, **values: Any) -> None:
        """Appends an event with the current step."""
        if self._run is not None:
            self._run.event(kind, step=self._trainer.state.step, **values)

    def status(self, **values: Any) -> None:
        """Updates entries of the status, such as ``state``."""
        if self._run is not None:
            self._run.status(**values)

    def start(self) -> None:
        """Records the start: model, data, device and first step."""
        trainer = self._trainer
        shape = trainer.plan.shape
        precision = str(trainer.precision).removeprefix("torch.")
        self.event(
            "start",
            steps=trainer.config.schedule.steps,
            parameters=shape.num_parameters(),
            context_length=trainer.plan.context_length,
            tokens_per_step=trainer.plan.tokens_per_step,
            train_tokens=len(trainer.data.train),
            val_tokens=len(trainer.data.val),
            cut_records=trainer.batches.cut,
            device=str(trainer.device),
            processes=trainer.processes.count,
            threads=torch.get_num_threads(),
            precision=precision,
            compiled=trainer.compiled,
            torch=torch.__version__,
        )
        self.log(
            f"{shape.num_parameters():,} parameters, {trainer.plan.tokens_per_step:,} tokens a step, "
            f"on {trainer.device} in {precision}{', compiled' if trainer.compiled else ', not compiled'}"
        )
        if not trainer.validates:
            self.log("There is no validation text: nothing is evaluated, and the last checkpoint is the one to use.")
        if trainer.batches.cut:
            self.log(
                f"{trainer.batches.cut:,} records are longer than the context of {trainer.plan.context_length:,} "
                "tokens: they lose the beginning of their prompt, or the end of a completion that is longer alone."
            )
        if self._first_step:
            state = trainer.state
            self.status(step=state.step, steps=trainer.config.schedule.steps, tokens=state.tokens)
            if state.best_step:
                self.status(best_loss=state.best_loss, best_step=state.best_step)
            self.log(f"Resuming from step {self._first_step:,}.")
        if trainer.compiled:
            self.log("Compiling; the first step takes up to a minute ...")

    def step(self, values: StepValues, intervals: RunSection) -> None:
        """Records the step that has settled: in the status always, as event and line every ``log_interval`` steps."""
        trainer, state = self._trainer, self._trainer.state
        left = trainer.config.schedule.steps - state.step
        is_logged = not left or state.step % intervals.log_interval == 0
        if is_logged:
            trainer.clock.settle()
        seconds = trainer.clock.seconds_per_step()
        settled = state.step - self._first_step > SLOW_FIRST_STEPS
        self.status(
            step=state.step,
            steps=trainer.config.schedule.steps,
            loss=values.loss,
            tokens=state.tokens,
            seconds_left=round(left * seconds) if settled else None,
        )
        if not is_logged:
            return
        logged = LoggedStep(
            trainer=trainer,
            loss=values.loss,
            grad_norm=values.norm,
            learning_rate=values.rate,
            seconds=seconds,
            parts=trainer.clock.split(),
            load=self._load.look(),
            peak_flops=self._peak,
        )
        epoch = round(state.position.epoch + state.position.index / trainer.batches.windows_per_epoch, 4)
        self.event("step", tokens=state.tokens, epoch=epoch, **measure(logged))
        speed, minutes = logged.tokens_per_second, f"  {left * seconds / 60:,.0f} min left" if settled else ""
        self.log(
            f"step {state.step:7,}  loss {values.loss:.4f}  norm {values.norm:5.2f}  lr {values.rate:.2e}  "
            f"{speed:9,.0f} tok/s{minutes}"
        )

    def evaluation(self, found: Validation, *, seconds: float, best: bool) -> None:
        """Records a validation loss over the usual part of the split; these can be compared with each other."""
        state = self._trainer.state
        self.event("eval", **_values(found), seconds=round(seconds, 3), best=best)
        self.status(val_loss=found.loss, best_loss=state.best_loss, best_step=state.best_step)
        self._say_loss(found, "  (best)" if best else "")

    def final_evaluation(self, found: Validation) -> None:
        """Records the validation loss over the whole split, at the end."""
        self.event("final_eval", **_values(found))
        self.status(final_loss=found.loss)
        self._say_loss(found, "  (whole split)")

    def _say_loss(self, found: Validation, remark: str) -> None:
        bits = "" if math.isnan(found.bits_per_byte) else f", {found.bits_per_byte:.4f} bits per byte"
        self.log(
            f"step {self._trainer.state.step:7,}  validation loss {found.loss:.4f}{bits}{remark}  "
            f"on {found.tokens:,} tokens"
        )


def _values(found: Validation) -> dict[str, Any]:
    """As an event holds them."""
    bits = {} if math.isnan(found.bits_per_byte) else {"bits_per_byte": found.bits_per_byte}
    return {"val_loss": found.loss, "tokens": found.tokens, **bits}


def _log_nothing(_line: str) -> None:
    """Prints nothing: only the process that records does."""


def record_failure(folder: Path, run: RunWriter | None, error: BaseException, *, rank: int) -> None:
    """Writes how a process failed; the first failure counts, those of other processes follow from it."""
    reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    written = read_json(folder / EXIT)
    values = written or {
        "code": 2 if isinstance(error, UserError) else 1,
        "reason": reason,
        "cause": "not finite" if isinstance(error, NotFinite) else "",
        "rank": rank,
        "traceback": "" if isinstance(error, UserError) else "".join(traceback.format_exception(error)),
    }
    if run is not None:
        run.event("crash", reason=reason, cause=values.get("cause", ""))
        run.finish("crashed", **{key: value for key, value in values.items() if key not in ("state", "t", "segment")})
    elif written is None:
        write_json(folder / EXIT, {"state": "crashed", "t": time.time(), **values})
