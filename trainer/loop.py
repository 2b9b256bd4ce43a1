"""The training loop: data, forward, backward, clip, step, record."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.errors import UserError
from gptdesk.gpt2.model import GPT2
from trainer.checkpoint import TrainState, copy_weights, load_checkpoint, newest_checkpoint, prune, save_checkpoint
from trainer.config import TrainConfig
from trainer.data import Batches
from trainer.evaluation.validation import validation_loss
from trainer.hardware import training_device, training_precision, use_compile
from trainer.optim import Optimizers, clip_gradients
from trainer.rundir import RunWriter
from trainer.schedule import learning_rate_share
from trainer.shards import PreparedData


class Trainer:
    """One run: builds model, data and optimizers from a configuration, goes on from the newest checkpoint, and trains.

    Raises:
        UserError: for a configuration that cannot work here, or data or checkpoints that cannot be read.
    """

    def __init__(self, config: TrainConfig) -> None:
        if not config.run.folder:
            raise UserError("run.folder is not set: say where the run is kept.")
        if not config.data.path:
            raise UserError("data.path is not set: name a folder that `trainer prepare` wrote.")
        self.config = config
        self.device = training_device(config.run)
        self.precision = training_precision(config.run, self.device)
        self.data = PreparedData.open(Path(config.data.path))
        self.model = build_model(config).to(self.device)
        if config.context_length > self.model.config.n_positions:
            raise UserError(
                f"data.context_length ({config.context_length:,}) is longer than the model's context "
                f"({self.model.config.n_positions:,})."
            )
        self.batches = Batches(self.data.train, context_length=config.context_length, seed=config.run.seed)
        self.optimizers = Optimizers(self.model, config.optim)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)
        self.compiled = use_compile(config.run, self.device)
        loss = self.model.loss
        self.loss = torch.compile(loss) if self.compiled else loss
        self.run = RunWriter(Path(config.run.folder), {"version": 1, "config": config.model_dump(mode="json")})
        self.state = TrainState()
        checkpoint = newest_checkpoint(self.run.checkpoints)
        if checkpoint is not None:
            self.state = load_checkpoint(checkpoint, self.model, self.optimizers)
        self._stop = False

    def train(self) -> TrainState:
        """Trains to the last step, or until SIGTERM or Ctrl+C asks to save and stop, and returns where it ended."""
        config = self.config
        self.run.event(
            "start",
            step=self.state.step,
            parameters=self.model.config.num_parameters(),
            tokens_per_step=config.tokens_per_step,
            device=str(self.device),
            precision=str(self.precision).removeprefix("torch."),
            compiled=self.compiled,
            threads=torch.get_num_threads(),
        )
        with self._save_and_stop_on_signals():
            began, logged = time.monotonic(), self.state.step
            while self.state.step < config.schedule.steps and not self._stop:
                loss, norm, rate = self.step()
                step = self.state.step
                if step % config.run.log_interval == 0:
                    now = time.monotonic()
                    speed = (step - logged) * config.tokens_per_step / (now - began)
                    self.run.event("step", step=step, loss=loss, grad_norm=norm, lr=rate, tokens_per_s=round(speed, 1))
                    self.run.status("running", step=step, steps=config.schedule.steps, loss=loss)
                    print(
                        f"step {step:6d}  loss {loss:.4f}  norm {norm:.2f}  lr {rate:.2e}  {speed:,.0f} tok/s",
                        flush=True,
                    )
                    began, logged = now, step
                last = step == config.schedule.steps
                if step % config.run.eval_interval == 0 or last:
                    self.evaluate(limit=None if last else config.run.eval_tokens)
                if step % config.run.checkpoint_interval == 0 or last or self._stop:
                    self.checkpoint()
        finished = self.state.step >= config.schedule.steps
        self.run.event("end", step=self.state.step, reason="finished" if finished else "stopped")
        self.run.status("finished" if finished else "stopped", step=self.state.step, steps=config.schedule.steps)
        self.run.close()
        return self.state

    def step(self) -> tuple[float, float, float]:
        """One optimizer step; returns the training loss in nats a token, the gradient's norm and the learning rate.

        Raises:
            UserError: when loss or gradient are not finite; the weights are left as they were.
        """
        config, state = self.config, self.state
        self.model.train()
        torch.manual_seed(
            config.run.seed * 1_000_003 + state.step
        )  # dropout: a function of the step, so resuming is exact
        rate = self.optimizers.set_learning_rate(learning_rate_share(state.step, config.schedule))
        total, position = torch.zeros((), device=self.device), state.position
        for _ in range(config.data.accumulation):
            inputs, targets = self.batches.read(position, config.data.micro_batch)
            position = self.batches.advance(position, config.data.micro_batch)
            with self.autocast():
                loss = (
                    self.loss(inputs.to(self.device), targets.to(self.device), reduction="sum") / config.tokens_per_step
                )
            self.scaler.scale(loss).backward()
            total += loss.detach()
        self.optimizers.unscale(self.scaler)
        norm = clip_gradients(self.model, config.optim.grad_clip)
        loss_value, norm_value = total.item(), norm.item()
        self._require_finite(loss_value, norm_value)
        self.optimizers.step(self.scaler)
        self.optimizers.zero_grad()
        self.state = replace(state, step=state.step + 1, position=position)
        return loss_value, norm_value, rate

    def evaluate(self, *, limit: int | None) -> float:
        """Measures, records and returns the validation loss in nats a token."""
        self.model.eval()
        began = time.monotonic()
        loss, tokens = validation_loss(
            lambda inputs, targets: self.loss(inputs, targets, reduction="sum"),
            self.data.val,
            context_length=self.config.context_length,
            batch_size=self.config.data.micro_batch,
            device=self.device,
            autocast=self.autocast,
            limit=limit,
        )
        seconds = time.monotonic() - began
        step = self.state.step
        self.run.event("eval", step=step, val_loss=loss, tokens=tokens, seconds=round(seconds, 2))
        print(
            f"step {step:6d}  validation loss {loss:.4f}  perplexity {math.exp(loss):.2f}  ({tokens:,} tokens)",
            flush=True,
        )
        if loss < self.state.best_loss:
            self.state = replace(self.state, best_loss=loss, best_step=step)
        return loss

    def checkpoint(self) -> Path:
        """Writes a checkpoint, removes those no longer wanted, and returns its folder."""
        path = save_checkpoint(self.run.checkpoints, self.model, self.optimizers, self.state)
        prune(self.run.checkpoints, keep=self.config.run.keep_checkpoints, best_step=self.state.best_step)
        self.run.event("checkpoint", step=self.state.step, folder=path.name)
        return path

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def _require_finite(self, loss: float, norm: float) -> None:
        """fp16's scaler expects an infinite gradient now and then and skips that step; an infinite loss is never expected."""
        if not math.isfinite(loss) or (not math.isfinite(norm) and not self.scaler.is_enabled()):
            what = "loss" if not math.isfinite(loss) else "gradient"
            self.run.event("nonfinite", step=self.state.step, loss=loss, grad_norm=norm)
            self.run.status("crashed", step=self.state.step, reason=f"the {what} is not finite")
            raise UserError(
                f"The {what} is not finite in step {self.state.step + 1}; the weights were left as they were. "
                "Lower the learning rate and go on from the last checkpoint."
            )

    @contextmanager
    def _save_and_stop_on_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl+C end the run after the step in hand; a second one ends it at once."""

        def request(number: int, _frame: Any) -> None:
            if self._stop:
                os._exit(128 + number)
            self._stop = True
            print("Saving and stopping (again to stop at once) ...", flush=True)

        previous = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def build_model(config: TrainConfig) -> GPT2:
    """The network at the start of a run, float32 on the CPU: fresh weights, or those of ``model.start``.

    Raises:
        UserError: when ``model.start`` cannot be read.
    """
    section = config.model
    source = load_model(Path(section.start)) if section.start else None
    shape = source.config if source else section.gpt2_config()
    model = GPT2(
        shape.padded_to(section.vocab_multiple),
        dropout=section.dropout,
        activation_checkpointing=section.activation_checkpointing,
    )
    model.init_weights(torch.Generator().manual_seed(config.run.seed))
    if source:
        copy_weights(source, model)
    return model
