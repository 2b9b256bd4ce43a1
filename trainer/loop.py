"""`Trainer`: model, data and optimizers of one run, and one optimizer step: data, forward, backward, clip, step.

`trainer.session` calls it in a loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gptdesk.errors import UserError
from trainer.checkpoint import TrainState, chat_format
from trainer.clock import StepClock
from trainer.config.schema import TrainConfig
from trainer.data.device_copy import DeviceCopier
from trainer.data.packing import make_batches, packed_windows
from trainer.data.shards import PreparedData
from trainer.data.tokenizer import token_lengths
from trainer.data.windows import IGNORED, Position
from trainer.evaluation.validation import Validation, validation_loss
from trainer.hardware import COMPILE_MODES, PRECISIONS, replays_graphs, training_precision, use_compile
from trainer.initial_model import build_model
from trainer.optim import Optimizers, clip_gradients
from trainer.parallel.distributed import ProcessGroup, TrainingLoss, parallelize, set_gradient_sync
from trainer.planning.plan import plan_run, require_tokenizer, require_validation
from trainer.schedule import learning_rate_share


class StepBatches(NamedTuple):
    """Batches of one optimizer step.

    Attributes:
        micro_batches: inputs and targets of this process, (micro_batch_size, T) int64 each, on the device.
        tokens: that count as targets, over all processes; 1 at least.
        bytes: of text that these tokens stand for.
    """

    micro_batches: list[tuple[Tensor, ...]]
    tokens: int
    bytes: int


class StepValues(NamedTuple):
    """What a step found: its loss in nats a token, the gradient's norm before clipping, and its learning rate."""

    loss: float
    norm: float
    rate: float


class _Launched(NamedTuple):
    """A step whose values the device may still be computing: the state before it, (loss, norm), learning rate."""

    before: TrainState
    found: Tensor
    rate: float


class NotFinite(UserError):
    """Loss or gradient stopped being numbers; the weights are those of the last good step."""


class Trainer:
    """Model, data and optimizers of one run, and the step that moves them.

    Attributes:
        state: how far it is.
        tokenizer: of the data and of the model.
        token_bytes: (vocab_size) int64, bytes of each token.
        bytes_per_token: of what the last step learnt to write, over all processes.
        loss: summed cross-entropy of (inputs, targets), parallel and compiled as configured.
        validates: whether there is validation text; without it no evaluation says which checkpoint is the best.
        chat: how conversations become text, of the data or of the model that the run starts from; None for neither.
        sharded: whether every process holds only a part of each weight.
        prefetches: whether the next step's batches are read while the device still computes this one's gradient.
        checks_on_device: whether the device itself leaves the weights alone once loss or gradient are not finite, so
            that steps are launched without waiting for their values.
        clock: where the time of the last steps went.

    Raises:
        UserError: for a configuration that cannot work here, or data or weights that cannot be read.
    """

    def __init__(self, config: TrainConfig, processes: ProcessGroup) -> None:
        if not config.data.path:
            raise UserError("data.path is not set: name a folder that `trainer prepare` wrote.")
        self.config = config
        self.processes = processes
        self.device = processes.device
        self.plan = plan_run(config, world_size=processes.count)
        self.sharded = processes.count > 1 and config.run.parallel == "fsdp"
        if self.sharded and config.model.lora_rank:
            raise UserError("model.lora_rank does not go with run.parallel = fsdp: adapters are small; choose ddp.")
        self.precision = processes.broadcast(training_precision(config.run, self.device))
        self.data = PreparedData.open(Path(config.data.path))
        if config.model.init_from:
            require_tokenizer(Path(config.model.init_from), self.data.folder)
        self.tokenizer = self.data.load_tokenizer()
        self.token_bytes = torch.from_numpy(token_lengths(self.tokenizer))
        self.bytes_per_token = 0.0
        require_validation(config, len(self.data.val))
        self.validates = len(self.data.val) > 0
        length = self.plan.context_length
        self.batches = make_batches(self.data, context_length=length, seed=config.run.seed)
        self._packed_validation = packed_windows(self.data, "val", context_length=length) if self.validates else None
        self.chat = chat_format(self.data.manifest, config.model.init_from)
        self.model = build_model(config, self.plan).to(self.device)
        plain = TrainingLoss(self.model)
        self.wrapped = parallelize(plain, processes, how=config.run.parallel)
        self.optimizers = Optimizers(self.model, config.optim)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)
        self.compiled = use_compile(config.run, self.device)
        self.loss = self._compile(self.wrapped)
        self._evaluation_loss = self.loss if self.wrapped is plain or self.sharded else self._compile(plain)
        self.prefetches = self.device.type == "cuda"  # a CPU has no idle core meanwhile
        self._prefetched: tuple[Position, StepBatches] | None = None
        self._copier = DeviceCopier(self.device)
        alone_on_cuda = self.device.type == "cuda" and processes.count == 1  # others wait for each other anyway
        self.checks_on_device = alone_on_cuda and self.optimizers.can_skip and not self.scaler.is_enabled()
        self._launched: list[_Launched] = []
        self._values = StepValues(math.nan, math.nan, 0.0)
        self._stopped = torch.zeros((), device=self.device)  # 1 once a step was not finite
        self._keeps_gradients = replays_graphs(config.run, self.device)
        if self._keeps_gradients:
            self.allocate_gradients()
        self.clock = StepClock(self.device)
        self._chooses_precision = config.run.precision == "auto" and self.device.type == "cpu"
        self.state = TrainState(cpu_precision=self._cpu_precision())

    def continue_from(self, state: TrainState) -> None:
        """Takes up the state of a checkpoint; on a CPU in its precision, whichever is found to be faster now."""
        if self._chooses_precision and state.cpu_precision:
            self.precision = PRECISIONS[state.cpu_precision]
        self.state = replace(state, cpu_precision=self._cpu_precision())
        if state.scaler:
            self.scaler.load_state_dict(state.scaler)

    def step(self) -> StepValues:
        """One optimizer step, waited for.

        Raises:
            NotFinite: when loss or gradient are not finite; the weights are left as they were.
        """
        self.launch_step()
        return self.settle()

    def launch_step(self) -> None:
        """One optimizer step. With `checks_on_device` nothing waits for the device; else as for `step`."""
        config, state, clock = self.config, self.state, self.clock
        self.model.train()
        # Dropout is a function of step and process: resuming needs no generator's state to be exact.
        torch.manual_seed((config.run.seed * 1_000_003 + state.step) * 4_099 + self.processes.rank)
        share = learning_rate_share(state.step, config.schedule) * state.learning_rate_factor
        rate = self.optimizers.set_learning_rate(share)
        clock.start()
        batches = self._take_batches()
        clock.mark("data")
        total = self._compute_gradient(batches)
        self.optimizers.unscale(self.scaler)
        norm = clip_gradients(self.model, config.optim.grad_clip)
        following = self.batches.advance(state.position, config.data.batch_size)
        if self.prefetches and state.step + 1 < config.schedule.steps:
            self._prefetched = following, self.read_step(following)
        self._launched.append(_Launched(state, torch.stack((self.processes.all_reduce(total), norm)), rate))
        self._refuse_what_is_not_finite()
        self.optimizers.step(self.scaler)
        self.optimizers.zero_grad(set_to_none=not self._keeps_gradients)
        clock.mark("optimizer")
        self.state = replace(
            state,
            step=state.step + 1,
            tokens=state.tokens + self.plan.tokens_per_step,
            position=following,
            scaler=self.scaler.state_dict(),
        )
        self.bytes_per_token = batches.bytes / batches.tokens
        clock.stop()

    def settle(self) -> StepValues:
        """Waits until the device has computed all steps so far, and returns the values of the last one.

        Raises:
            NotFinite: for the first step whose loss or gradient are not finite; weights and state are those before it.
        """
        launched, self._launched = self._launched, []
        if launched:
            found = torch.stack([step.found for step in launched]).tolist()
            for (before, _, rate), (loss, norm) in zip(launched, found, strict=True):
                self._require_finite(before, loss, norm)
                self._values = StepValues(loss, norm, rate)
        return self._values

    def allocate_gradients(self) -> None:
        """Gives the gradients memory of their own for good, to which the backward pass adds: graphs reuse theirs."""
        self._keeps_gradients = True
        for weight in self.model.parameters():
            if weight.requires_grad:
                weight.grad = torch.zeros_like(weight)

    def _compute_gradient(self, batches: StepBatches) -> Tensor:
        """Forward and backward of all micro-batches; returns this process's share of the loss, on the device."""
        total = torch.zeros((), device=self.device)
        for i, (inputs, targets) in enumerate(batches.micro_batches):
            set_gradient_sync(self.wrapped, i + 1 == len(batches.micro_batches))
            with self.autocast():
                # Divided by the valid tokens of the whole step; data parallelism averages, so its count is undone.
                loss = self.loss(inputs, targets) * (self.processes.count / batches.tokens)
            total += loss.detach() / self.processes.count
            self.clock.mark("forward")
            self.scaler.scale(loss).backward()
            self.clock.mark("backward")
        return total

    def _refuse_what_is_not_finite(self) -> None:
        """Keeps a bad gradient from the weights: on the device, which skips all updates from then on, or here."""
        if not self.checks_on_device:
            self.settle()
            return
        finite = self._launched[-1].found.isfinite().all()
        self._stopped = torch.maximum(self._stopped, (~finite).float())
        self.optimizers.skip_where(self._stopped)

    def _take_batches(self) -> StepBatches:
        """The batches of the present step: those read ahead, unless the position has been changed since."""
        (position, batches), self._prefetched = self._prefetched or (None, None), None
        if batches is None or position != self.state.position:
            batches = self.read_step(self.state.position)
        self._copier.await_copies()
        return batches

    def read_step(self, position: Position) -> StepBatches:
        """This process's micro-batches of the step on the device, and what all processes together read.

        The windows of a step are the same however many processes there are; they only share them out.
        """
        size = self.config.data.micro_batch_size
        micro_batches, valid_tokens, valid_bytes = [], 0, 0
        for i in range(self.plan.accumulation):
            first = (i * self.processes.count + self.processes.rank) * size
            inputs, targets = self.batches.read(self.batches.advance(position, first), size)
            valid = targets[targets != IGNORED]
            valid_tokens += len(valid)
            valid_bytes += int(self.token_bytes[valid].sum())
            micro_batches.append(self._copier.copy(inputs, targets))
        count = self.processes.sum_count
        return StepBatches(micro_batches, max(1, count(valid_tokens)), count(valid_bytes))

    def evaluate(self, *, limit: int | None) -> Validation:
        """The validation loss of about ``limit`` tokens or of all.

        Sums of several processes differ in the last bits; all go by those of the one that records.
        """
        self.model.eval()
        measured = validation_loss(
            self._evaluation_loss,
            self.data.val,
            context_length=self.plan.context_length,
            batch_size=self.config.data.micro_batch_size,
            token_bytes=self.token_bytes,
            device=self.device,
            autocast=self.autocast,
            limit=limit,
            packed=self._packed_validation,
        )
        agreed: Validation = self.processes.broadcast(measured)
        return agreed

    def note_evaluation(self, loss: float) -> bool:
        """Remembers the validation loss if it is the best so far, and returns whether it is."""
        best = loss < self.state.best_loss
        if best:
            self.state = replace(self.state, best_loss=loss, best_step=self.state.step, evaluations_since_best=0)
        else:
            self.state = replace(self.state, evaluations_since_best=self.state.evaluations_since_best + 1)
        return best

    def _cpu_precision(self) -> str:
        """What a later segment of this run must compute in to go on exactly; "" where the configuration says it."""
        return str(self.precision).removeprefix("torch.") if self._chooses_precision else ""

    def _compile(self, loss: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
        return torch.compile(loss, mode=COMPILE_MODES.get(self.config.run.compile)) if self.compiled else loss

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def _require_finite(self, before: TrainState, loss: float, norm: float) -> None:
        """fp16's scaler expects an infinite gradient now and then and skips that step; an infinite loss never is."""
        if math.isfinite(loss) and (math.isfinite(norm) or self.scaler.is_enabled()):
            return
        self.state, self._prefetched = before, None
        what = "gradient" if math.isfinite(loss) else "loss"
        raise NotFinite(
            f"The {what} is not finite in step {self.state.step + 1}; the weights were left as they were. "
            "Lower the learning rate, or check the data, and resume from the last checkpoint."
        )
