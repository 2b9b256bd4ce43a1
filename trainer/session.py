"""A run from start to end: steps, what is recorded of them, checkpoints, and what it is asked for on the way."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from gptdesk.gpt2.decoding import DecodingSettings
from gptdesk.gpt2.engine import Engine
from gptdesk.gpt2.errors import UserError
from gptdesk.gpt2.events import DoneEvent
from gptdesk.gpt2.tokenizer import gpt2_tokenizer
from trainer.checkpoint import CheckpointNotWritten, prune, save_checkpoint
from trainer.config import RunSection, TrainConfig
from trainer.control import POLL_SECONDS, Control
from trainer.distributed import Processes
from trainer.hardware import peak_flops, peak_memory
from trainer.loop import NotFinite, Trainer
from trainer.plan import flops_per_token
from trainer.rundir import CHECKPOINTS, EXIT, SETTABLE, Request, RunWriter, read_json, write_json

Say = Callable[[str], None]

SLOW_FIRST_STEPS: Final = 2
"""Steps at the start whose time (compiling, warming up) is not counted into speed and time left."""


class Session:
    """Drives a `Trainer` through its run and records it.

    Args:
        trainer: at the step to go on from.
        run: the run directory, in the process that records; None in the others.
        say: prints a line for the person watching.
    """

    def __init__(self, trainer: Trainer, run: RunWriter | None, *, say: Say) -> None:
        self._trainer = trainer
        self._run = run
        self._say = say if trainer.processes.records else _say_nothing
        self._control = Control(trainer.processes, run)
        self._intervals: RunSection = trainer.config.run
        self._first_step = trainer.state.step
        self._peak = peak_flops(trainer.device, trainer.precision)
        self._checkpoints = Path(trainer.config.run.folder) / CHECKPOINTS
        self._ending = ""  # "stopped" or "aborted" once asked for
        self._saved_step = self._first_step if self._first_step else -1

    def train(self) -> str:
        """Trains until the last step, early stopping or a request to stop; returns ``finished`` or ``stopped``.

        Raises:
            NotFinite: and leaves the run as of the last good step.
        """
        trainer, steps = self._trainer, self._trainer.config.schedule.steps
        self._record_start()
        with self._control.signals(self._say):
            self._set_state("compiling" if trainer.compiled else "running")
            while trainer.state.step < steps and not self._ending:
                loss, norm, rate = trainer.step()
                self._set_state("running")
                self._record_step(loss, norm, rate)
                step = trainer.state.step
                if step % self._intervals.eval_interval == 0 or step == steps:
                    self._evaluate(final=step == steps)
                if step % self._intervals.checkpoint_interval == 0:
                    self._checkpoint()
                self._serve(self._control.poll())
                if self._patience_is_over():
                    self._say("The validation loss has not improved for a while; stopping early.")
                    self._record("early_stop", step=step, best_step=trainer.state.best_step)
                    break
            finished = not self._ending
            if self._ending != "aborted":
                self._set_state("stopping")
                self._checkpoint()
        return "finished" if finished else "stopped"

    # What is written down

    def _record(self, kind: str, **values: Any) -> None:
        if self._run is not None:
            self._run.event(kind, **values)

    def _set_state(self, state: str, **values: Any) -> None:
        if self._run is not None:
            self._run.status(state=state, **values)

    def _record_start(self) -> None:
        trainer = self._trainer
        shape = trainer.plan.shape
        facts = {
            "step": trainer.state.step,
            "steps": trainer.config.schedule.steps,
            "parameters": shape.num_parameters(),
            "context_length": trainer.plan.context_length,
            "tokens_per_step": trainer.plan.tokens_per_step,
            "train_tokens": len(trainer.data.train),
            "val_tokens": len(trainer.data.val),
            "device": str(trainer.device),
            "processes": trainer.processes.count,
            "threads": torch.get_num_threads(),
            "precision": str(trainer.precision).removeprefix("torch."),
            "compiled": trainer.compiled,
            "torch": torch.__version__,
        }
        self._record("start", **facts)
        self._say(
            f"{shape.num_parameters():,} parameters, {trainer.plan.tokens_per_step:,} tokens a step, "
            f"on {trainer.device} in {facts['precision']}{', compiled' if trainer.compiled else ', not compiled'}"
        )
        if self._first_step:
            self._say(f"Going on from step {self._first_step:,}.")
        if trainer.compiled:
            self._say("Compiling; the first step takes up to a minute ...")

    def _record_step(self, loss: float, norm: float, rate: float) -> None:
        trainer, state = self._trainer, self._trainer.state
        left = trainer.config.schedule.steps - state.step
        seconds = trainer.clock.seconds_per_step()
        settled = state.step - self._first_step > SLOW_FIRST_STEPS
        if self._run is not None:
            self._run.status(
                step=state.step,
                steps=trainer.config.schedule.steps,
                loss=loss,
                tokens=state.tokens,
                seconds_left=round(left * seconds) if settled else None,
            )
        if state.step % self._intervals.log_interval and left:
            return
        speed = trainer.plan.tokens_per_step / seconds
        values: dict[str, Any] = {
            "step": state.step,
            "tokens": state.tokens,
            "epoch": round(state.position.epoch + state.position.index / trainer.batches.windows_per_epoch, 4),
            "loss": loss,
            "grad_norm": norm,
            "lr": rate,
            "tokens_per_s": round(speed, 1),
            "ms": {part: round(1000 * value, 2) for part, value in trainer.clock.split().items()},
            "memory": peak_memory(trainer.device),
        }
        if self._peak:
            work = flops_per_token(trainer.plan.shape, trainer.plan.context_length)
            values["mfu"] = round(work * speed / (self._peak * trainer.processes.count), 4)
        self._record("step", **values)
        minutes = f"  {left * seconds / 60:,.0f} min left" if settled else ""
        self._say(
            f"step {state.step:7,}  loss {loss:.4f}  norm {norm:5.2f}  lr {rate:.2e}  {speed:9,.0f} tok/s{minutes}"
        )

    # Evaluation, samples, checkpoints

    def _evaluate(self, *, final: bool) -> None:
        trainer = self._trainer
        began = time.monotonic()
        loss, tokens = trainer.evaluate(limit=None if final else self._intervals.eval_tokens)
        step, best = trainer.state.step, trainer.state.best_step == trainer.state.step
        seconds = round(time.monotonic() - began, 3)
        self._record("eval", step=step, val_loss=loss, tokens=tokens, seconds=seconds, best=best)
        self._say(f"step {step:7,}  validation loss {loss:.4f}{'  (best)' if best else ''}  on {tokens:,} tokens")
        if self._run is not None:
            self._run.status(val_loss=loss, best_loss=trainer.state.best_loss, best_step=trainer.state.best_step)
        for number, prompt in enumerate(self._intervals.sample_prompts):
            self._sample(prompt, seed=number + 1)
        if best and not final:
            self._checkpoint()

    def _sample(self, prompt: str, *, seed: int) -> None:
        """Continues a prompt with the weights as they are; shards cannot, so FSDP runs are sampled from checkpoints."""
        trainer, settings = self._trainer, self._intervals
        if self._run is None or not settings.sample_tokens or trainer.sharded:
            return
        trainer.model.eval()
        decoding = DecodingSettings(
            temperature=settings.sample_temperature,
            top_k=settings.sample_top_k,
            max_tokens=settings.sample_tokens,
            seed=seed,
        )
        done = None
        for event in Engine(trainer.model, gpt2_tokenizer()).generate(prompt, decoding):
            if isinstance(event, DoneEvent):
                done = event
        assert done is not None
        self._run.sample(
            step=trainer.state.step,
            prompt=prompt,
            text=done.text,
            seed=seed,
            temperature=decoding.temperature,
            top_k=decoding.top_k,
        )

    def _checkpoint(self) -> None:
        """Writes a checkpoint of this step if there is none; with a full disk the run pauses until there is room."""
        trainer = self._trainer
        while trainer.state.step != self._saved_step:
            failure = ""
            try:
                path = save_checkpoint(
                    self._checkpoints,
                    trainer.model,
                    trainer.optimizers,
                    trainer.state,
                    vocab_size=trainer.plan.shape.vocab_size,
                    processes=trainer.processes,
                )
            except CheckpointNotWritten as error:
                failure = str(error)
            failure = trainer.processes.agree(failure)
            if failure:
                self._record("checkpoint_failed", step=trainer.state.step, reason=failure)
                self._pause(failure)
                if self._ending == "aborted":
                    return
                continue
            self._saved_step = trainer.state.step
            self._record("checkpoint", step=trainer.state.step, folder=path.name)
            if self._run is not None:
                self._run.status(checkpoint=path.name, checkpoint_time=time.time())
                keep, best = self._intervals.keep_checkpoints, trainer.state.best_step
                prune(self._checkpoints, newest=path, keep=keep, best_step=best)
            trainer.processes.wait()

    def _patience_is_over(self) -> bool:
        patience = self._trainer.config.schedule.early_stop_evaluations
        return bool(patience) and self._trainer.state.evaluations_since_best >= patience

    # Requests

    def _serve(self, requests: list[Request]) -> None:
        for request in requests:
            refused = self._carry_out(request)
            if self._run is not None:
                self._run.answer(request, step=self._trainer.state.step, refused=refused)
            if refused:
                self._say(f"Refused: {refused}")
            if request.action == "pause" and not refused:
                self._pause("")

    def _carry_out(self, request: Request) -> str:
        """Does what is asked, and returns why it was refused, or nothing. A pause begins after its answer."""
        match request.action:
            case "checkpoint":
                self._checkpoint()
            case "evaluate":
                self._evaluate(final=False)
            case "sample":
                return self._sample_now(request)
            case "stop" | "abort":
                self._ending = "aborted" if request.action == "abort" else "stopped"
            case "set":
                return self._set(request)
            case "pause" | "resume":
                pass
            case _:
                return f"there is no action {request.action!r}"
        return ""

    def _sample_now(self, request: Request) -> str:
        prompt, seed = request.args.get("prompt", ""), request.args.get("seed", 1)
        if not isinstance(prompt, str) or not isinstance(seed, int):
            return "a sample needs a prompt (text) and a seed (whole number)"
        if self._trainer.sharded:
            return "a sharded run cannot be sampled; open a checkpoint instead"
        try:
            self._sample(prompt, seed=seed)
        except UserError as error:
            return str(error)
        return ""

    def _set(self, request: Request) -> str:
        name, value = request.args.get("name"), request.args.get("value")
        if name not in SETTABLE:
            return f"{name!r} cannot be changed while training; {', '.join(SETTABLE)} can"
        if name == "learning_rate_factor":
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 10:
                return "learning_rate_factor must be a number from 0 to 10"
            self._trainer.state = replace(self._trainer.state, learning_rate_factor=float(value))
            return ""
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return f"{name} must be a whole number above 0"
        self._intervals = self._intervals.model_copy(update={name: value})
        return ""

    def _pause(self, reason: str) -> None:
        """Holds at a step boundary until a request to go on or to end; the heartbeat lives on."""
        self._say(reason or "Paused.")
        self._record("pause", step=self._trainer.state.step, reason=reason)
        self._set_state("paused", reason=reason)
        paused = True
        while paused and not self._ending:
            time.sleep(POLL_SECONDS)
            for request in self._control.poll():
                if request.action in ("checkpoint", "pause"):
                    refused = reason or "the run is paused"
                else:
                    refused = self._carry_out(request)
                if self._run is not None:
                    self._run.answer(request, step=self._trainer.state.step, refused=refused)
                paused = paused and request.action != "resume"
        self._record("resume", step=self._trainer.state.step)
        self._set_state("running", reason="")


def run_training(config: TrainConfig, processes: Processes, *, say: Say) -> str:
    """Starts the run of a configuration, or goes on with it, and returns ``finished`` or ``stopped``.

    However it ends, the run directory says how.

    Raises:
        UserError: for a configuration, data or checkpoint that cannot be used, or a run that is being trained already.
    """
    folder = Path(config.run.folder)
    if not config.run.folder:
        raise UserError("run.folder is not set: say where the run is kept (--out).")
    description = {"config": config.model_dump(mode="json"), "argv": sys.argv, "python": sys.version.split()[0]}
    run = RunWriter(folder, description) if processes.records else None
    processes.wait()
    try:
        trainer = Trainer(config, processes)
        trainer.restore(folder / CHECKPOINTS)
        state = Session(trainer, run, say=say).train()
    except BaseException as error:
        _record_failure(folder, run, error, rank=processes.rank)
        raise
    if run is not None:
        run.event("end", step=trainer.state.step, state=state)
        run.finish(state, step=trainer.state.step, code=0)
    return state


def _record_failure(folder: Path, run: RunWriter | None, error: BaseException, *, rank: int) -> None:
    """Writes how a process failed; the first that fails tells, the others only fall with it."""
    reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    told = read_json(folder / EXIT)
    values = told or {
        "code": 2 if isinstance(error, UserError) else 1,
        "reason": reason,
        "cause": "not finite" if isinstance(error, NotFinite) else "",
        "rank": rank,
        "traceback": "" if isinstance(error, UserError) else "".join(traceback.format_exception(error)),
    }
    if run is not None:
        run.event("crash", reason=reason)
        run.finish("crashed", **{key: value for key, value in values.items() if key not in ("state", "t", "segment")})
    elif told is None:
        write_json(folder / EXIT, {"state": "crashed", "t": time.time(), **values})


def _is_sharded(trainer: Trainer) -> bool:
    return trainer.processes.count > 1 and trainer.config.run.parallel == "fsdp"


def _say_nothing(_line: str) -> None:
    """Only the process that records speaks."""
