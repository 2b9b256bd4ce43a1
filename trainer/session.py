"""Runs a training run from start to end: steps, evaluations, checkpoints, samples and requests."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gptdesk.errors import UserError, brief
from gptdesk.inference.engine import Engine
from gptdesk.inference.events import DoneEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from trainer.checkpoint import LARGEST_FACTOR, CheckpointNotWritten, prune, save_checkpoint
from trainer.config.schema import RunSection, TrainConfig
from trainer.control import POLL_SECONDS, Control
from trainer.loop import Trainer
from trainer.parallel.distributed import ProcessGroup
from trainer.recorder import Log, Recorder, record_failure
from trainer.resume import restore
from trainer.run_directory.layout import CHECKPOINTS
from trainer.run_directory.requests import SETTABLE, Request
from trainer.run_directory.writer import RunWriter

SETTLE_SECONDS: Final = 0.5
"""Longest time for which steps are launched on a GPU without a look at what they found."""


class Session:
    """Drives a `Trainer` through its run.

    Args:
        trainer: at the step to start or resume from.
        run: the run directory, in the process that records; None in the others.
        log: prints a line for the person watching.
    """

    def __init__(self, trainer: Trainer, run: RunWriter | None, *, log: Log) -> None:
        self._trainer = trainer
        self._run = run
        self._recorder = Recorder(trainer, run, log=log)
        self._control = Control(trainer.processes, run)
        self._waiting: deque[Request] = deque()
        self._intervals: RunSection = trainer.config.run
        self._checkpoints = Path(trainer.config.run.folder) / CHECKPOINTS
        self._ending = ""  # "stopped" or "aborted" once asked for
        self._saved_step = trainer.state.step or -1
        self._settled = 0.0  # when the values of a step were last waited for

    def train(self) -> str:
        """Trains until the last step, early stopping or a request to stop; returns ``finished`` or ``stopped``.

        Raises:
            NotFinite: and leaves the run as of the last good step.
        """
        trainer, recorder = self._trainer, self._recorder
        first, steps = trainer.state.step, trainer.config.schedule.steps
        recorder.start()
        with self._control.signals(recorder.log):
            recorder.status(state="compiling" if trainer.compiled else "running")
            while trainer.state.step < steps and not self._ending and not self._patience_is_over():
                trainer.launch_step()
                if self._is_due():
                    values = trainer.settle()
                    recorder.status(state="running")
                    recorder.step(values, self._intervals)
                if trainer.state.step % self._intervals.eval_interval == 0 or trainer.state.step == steps:
                    self._evaluate(scheduled=True)
                if trainer.state.step % self._intervals.checkpoint_interval == 0:
                    self._checkpoint()
                self._serve()
            if not self._ending and trainer.state.step > first:
                self._conclude()
            if self._ending != "aborted":
                recorder.status(state="stopping")
                self._checkpoint()
        return "stopped" if self._ending else "finished"

    def _is_due(self) -> bool:
        """Whether to wait for the values of the step: where something is done with them, and twice a second.

        In between a GPU goes from one step to the next without waiting for this program.
        """
        trainer, intervals, now = self._trainer, self._intervals, time.monotonic()
        step = trainer.state.step
        every = (intervals.log_interval, intervals.eval_interval, intervals.checkpoint_interval)
        due = (
            not trainer.checks_on_device
            or step == trainer.config.schedule.steps
            or any(step % interval == 0 for interval in every)
            or now - self._settled >= SETTLE_SECONDS
        )
        if due:
            self._settled = now
        return due

    # Evaluation, samples, checkpoints

    def _evaluate(self, *, scheduled: bool) -> None:
        """Scores a part of the validation split, if there is one, and writes samples.

        Only scheduled evaluations decide about best and early stopping.
        """
        best = False
        if self._trainer.validates:
            began = time.monotonic()
            found = self._trainer.evaluate(limit=self._intervals.eval_tokens)
            best = scheduled and self._trainer.note_evaluation(found.loss)
            self._recorder.evaluation(found, seconds=time.monotonic() - began, best=best)
        for number, prompt in enumerate(self._intervals.sample_prompts):
            self._sample(prompt, seed=number + 1)
        if best:
            self._checkpoint()

    def _conclude(self) -> None:
        """Logs why a run ends before its last step, and scores the whole split if evaluations scored a part of it."""
        if self._patience_is_over():
            self._recorder.log("The validation loss has not improved for a while; stopping early.")
            self._recorder.event("early_stop", best_step=self._trainer.state.best_step)
        if self._intervals.eval_tokens < len(self._trainer.data.val):
            self._recorder.final_evaluation(self._trainer.evaluate(limit=None))

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
        for event in Engine(trainer.model, trainer.tokenizer).generate(prompt, decoding):
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
        """Writes a checkpoint of this step if there is none; with a full disk the run pauses until there is room.

        A request to resume or to stop tries again; only an abort ends a run unsaved.
        """
        while self._trainer.state.step != self._saved_step and self._ending != "aborted":
            failure = self._write_checkpoint()
            if failure:
                self._recorder.event("checkpoint_failed", reason=failure)
                self._pause(failure)

    def _write_checkpoint(self) -> str:
        """Writes a checkpoint of this step and returns why it could not, or nothing."""
        trainer, failure = self._trainer, ""
        try:
            path = save_checkpoint(
                self._checkpoints,
                trainer.model,
                trainer.optimizers,
                trainer.state,
                vocab_size=trainer.plan.shape.vocab_size,
                processes=trainer.processes,
                chat=trainer.chat,
                tokenizer=trainer.data.tokenizer.files(trainer.data.folder),
                base=trainer.config.model.init_from,
            )
        except CheckpointNotWritten as error:
            failure = str(error)
        agreed: str = trainer.processes.broadcast(failure)
        if agreed:
            return agreed
        self._saved_step = trainer.state.step
        self._recorder.event("checkpoint", folder=path.name)
        self._recorder.status(checkpoint=path.name, checkpoint_time=time.time())
        if not trainer.validates:  # nothing tells another to be better than the last
            self._recorder.status(best_step=trainer.state.step)
        if self._run is not None:
            keep, best = self._intervals.keep_checkpoints, trainer.state.best_step
            prune(self._checkpoints, newest=path, keep=keep, best_step=best)
        trainer.processes.barrier()
        return ""

    def _patience_is_over(self) -> bool:
        patience = self._trainer.config.schedule.early_stop_evaluations
        return bool(patience) and self._trainer.state.evaluations_since_best >= patience

    # Requests

    def _serve(self) -> None:
        """Carries out the requests since the last step."""
        self._waiting.extend(self._control.poll())
        if self._waiting:
            self._trainer.settle()
        while self._waiting:
            request = self._waiting.popleft()
            refused = self._carry_out(request)
            self._answer(request, refused)
            if request.action == "pause" and not refused:
                self._pause("")

    def _answer(self, request: Request, refused: str) -> None:
        if self._run is not None:
            self._run.answer(request, step=self._trainer.state.step, refused=refused)
        if refused:
            self._recorder.log(f"Refused: {refused.rstrip('.')}.")

    def _carry_out(self, request: Request) -> str:
        """Carries out a request; returns why it is refused, or an empty text. A pause begins after its answer."""
        match request.action:
            case "checkpoint":
                self._checkpoint()
            case "evaluate":
                if not self._trainer.validates:
                    return "the data holds no validation text"
                self._evaluate(scheduled=False)
            case "sample":
                return self._sample_now(request)
            case "stop" | "abort":
                aborted = request.action == "abort" or self._ending == "aborted"
                self._ending = "aborted" if aborted else "stopped"
            case "set":
                return self._set(request)
            case "pause":
                return "the run is stopping" if self._ending else ""
            case "resume":
                pass
            case _:
                return f"there is no action {brief(request.action)}"
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
            return f"{brief(name)} cannot be changed while training; {', '.join(SETTABLE)} can"
        if name == "learning_rate_factor":
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LARGEST_FACTOR:
                return f"learning_rate_factor must be a number from 0 to {LARGEST_FACTOR:g}"
            self._trainer.state = replace(self._trainer.state, learning_rate_factor=float(value))
            return ""
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return f"{name} must be a whole number above 0"
        self._intervals = self._intervals.model_copy(update={name: value})
        if self._run is not None:
            config = self._trainer.config.model_copy(update={"run": self._intervals})
            self._run.write_config(config.model_dump(mode="json"))
        return ""

    def _pause(self, reason: str) -> None:
        """Waits at a step boundary for a request to resume or to stop; the heartbeat continues."""
        self._recorder.log(reason or "Paused.")
        self._recorder.event("pause", reason=reason)
        self._recorder.status(state="paused", reason=reason)
        held = True
        while held:
            while not self._waiting:
                time.sleep(POLL_SECONDS)
                self._waiting.extend(self._control.poll())
            request = self._waiting.popleft()
            if request.action in ("checkpoint", "pause"):
                refused = reason or "the run is paused"
            else:
                refused = self._carry_out(request)
            self._answer(request, refused)
            held = request.action not in ("resume", "stop", "abort")
        self._recorder.event("resume")
        self._recorder.status(state="running", reason="")


def run_training(
    config: TrainConfig, processes: ProcessGroup, *, log: Log, more: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """Starts or resumes the run of a configuration, and returns ``finished`` or ``stopped``.

    However it ends, the run directory says how.

    Args:
        config: settings.
        processes: this one among those of the run.
        log: prints a line for the person watching.
        more: what ``run.json`` is to hold beside the configuration: which settings were given, and which gave way.

    Raises:
        UserError: for a configuration, data or checkpoint that cannot be used, or a run that is being trained already.
    """
    folder = Path(config.run.folder)
    if not config.run.folder:
        raise UserError("run.folder is not set: say where the run is kept (--out).")
    values = config.model_dump(mode="json")
    description = {"config": values, "argv": sys.argv, "python": sys.version.split()[0], **more}
    run = RunWriter(folder, description) if processes.is_main else None
    processes.barrier()
    try:
        if run is not None:
            run.write_config(values)
        trainer = Trainer(config, processes)
        restore(trainer, folder / CHECKPOINTS)
        state = Session(trainer, run, log=log).train()
    except BaseException as error:
        record_failure(folder, run, error, rank=processes.rank)
        raise
    if run is not None:
        run.event("end", step=trainer.state.step, state=state)
        run.finish(state, step=trainer.state.step, code=0)
    return state
