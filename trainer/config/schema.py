"""Schema of a configuration: source of the TOML file, flags, form, messages and reference page. No torch, no Qt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from gptdesk.bounded_read import LARGEST_WHOLE
from gptdesk.errors import UserError, brief
from gptdesk.gpt2.config import VOCAB_SIZE, GPT2Config
from trainer.config.former_names import renamed
from trainer.optimizers.table import OPTIMIZERS, help_text


def _believable(value: int) -> int:
    if value > LARGEST_WHOLE:
        raise ValueError(f"must be at most {LARGEST_WHOLE:,}")
    return value


Positive = Annotated[int, Field(gt=0), AfterValidator(_believable)]
NotNegative = Annotated[int, Field(ge=0), AfterValidator(_believable)]
Share = Annotated[float, Field(ge=0, le=1)]
if TYPE_CHECKING:
    OptimizerName = str
else:
    OptimizerName = Literal[tuple(OPTIMIZERS)]

_FOLDER: Final[dict[str, JsonValue]] = {"format": "folder"}
"""Tells a form that the text names a folder."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    section: ClassVar[str] = ""
    """Its name in the configuration."""

    @model_validator(mode="before")
    @classmethod
    def _accept_former_names(cls, values: Any) -> Any:
        return renamed(cls.section, values) if isinstance(values, Mapping) else values


class ModelSection(_Section):
    """The model: from scratch with the given shape, or an existing one."""

    section = "model"
    init_from: str = Field(
        "",
        description="Folder of a model to start from (fine-tuning); empty: from scratch, with the shape below.",
        json_schema_extra=_FOLDER,
    )
    n_layer: Positive = Field(12, description="Transformer blocks.")
    n_head: Positive = Field(12, description="Attention heads in each block; divides n_embd.")
    n_embd: Positive = Field(768, description="Width of the residual stream: numbers in the vector of a token.")
    n_positions: Positive = Field(1024, description="Context length of the model, in tokens.")
    bias: bool = Field(True, description="Biases in linear layers and layer norms, as OpenAI's models have them.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Share of activations zeroed while training.")
    vocab_multiple: Positive = Field(
        1, description="Pads the vocabulary to a multiple of this many rows while training; 128 is faster on a GPU."
    )
    activation_checkpointing: bool = Field(
        False, description="Recompute activations in the backward pass: less memory, about a third more work."
    )
    lora_rank: NotNegative = Field(
        0, description="Rank of low-rank adapters trained in place of the existing weights; 0: train all weights."
    )
    lora_alpha: Annotated[float, Field(gt=0)] = Field(
        16.0, description="Adapters are scaled by lora_alpha / lora_rank."
    )

    @model_validator(mode="after")
    def _makes_a_model(self) -> ModelSection:
        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd ({self.n_embd}) must be a multiple of n_head ({self.n_head})")
        if self.lora_rank and not self.init_from:
            raise ValueError("lora_rank needs a model to adapt: set init_from")
        return self

    def gpt2_config(self, vocab_size: int = VOCAB_SIZE) -> GPT2Config:
        """The shape of a model from scratch, without padding, for a vocabulary of so many tokens.

        Raises:
            UserError: when the numbers are beyond what a GPT-2 may have.
        """
        return GPT2Config(
            vocab_size=vocab_size,
            n_positions=self.n_positions,
            n_embd=self.n_embd,
            n_layer=self.n_layer,
            n_head=self.n_head,
            bias=self.bias,
        )


class DataSection(_Section):
    """Training data, and how much of it a step reads."""

    section = "data"
    path: str = Field(
        "", description="Folder with the tokens to train on, as trainer prepare writes it.", json_schema_extra=_FOLDER
    )
    context_length: NotNegative = Field(
        0, description="Tokens in one training sequence; 0: the model's context length."
    )
    batch_size: Positive = Field(
        8, description="Sequences in one optimizer step, over all processes: a step is this many times context_length."
    )
    micro_batch_size: Positive = Field(
        8,
        description="Sequences in one forward and backward pass of a process; gradients accumulate over as many passes "
        "as batch_size takes.",
    )

    @model_validator(mode="after")
    def _divides(self) -> DataSection:
        if self.batch_size % self.micro_batch_size:
            raise ValueError(
                f"batch_size ({self.batch_size}) must be a multiple of micro_batch_size ({self.micro_batch_size})"
            )
        return self


class OptimSection(_Section):
    """The optimizer and its settings."""

    section = "optim"
    optimizer: OptimizerName = Field("adamw", description=help_text())
    learning_rate: Annotated[float, Field(gt=0)] = Field(
        6e-4, description="Peak learning rate of the weights that Muon does not take."
    )
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        (0.9, 0.95), description="Decay rates of the first and second moment of the gradients; not read by Muon."
    )
    eps: Annotated[float, Field(gt=0)] = Field(
        1e-8, description="Added to the divisor of the update, so that it is never 0; not read by Muon."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.1, description="Decoupled weight decay of the matrices and embeddings that Muon does not take."
    )
    muon_learning_rate: Annotated[float, Field(gt=0)] = Field(0.02, description="Muon's peak learning rate.")
    muon_momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.95, description="Share of the last update that Muon keeps in the next."
    )
    muon_weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="Muon's decoupled weight decay.")
    grad_clip: Annotated[float, Field(ge=0)] = Field(
        1.0, description="Largest norm of the whole gradient; 0: no clipping."
    )


class ScheduleSection(_Section):
    """Learning-rate schedule, and length of the run."""

    section = "schedule"
    kind: Literal["cosine", "wsd", "linear", "constant"] = Field(
        "cosine", description="Shape after the warm-up; wsd stays constant, then falls linearly."
    )
    steps: Positive = Field(1000, description="Optimizer steps in the whole run.")
    warmup_steps: NotNegative = Field(
        100, description="Steps in which the learning rate rises linearly from 0 to its peak."
    )
    min_lr_ratio: Share = Field(0.1, description="Learning rate of the last step, divided by the peak.")
    decay_ratio: Share = Field(0.2, description="wsd: share of all steps in which the learning rate falls.")
    early_stop_evaluations: NotNegative = Field(
        0, description="Stop after this many evaluations without a lower validation loss; 0: never."
    )

    @model_validator(mode="after")
    def _warmup_fits(self) -> ScheduleSection:
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps ({self.warmup_steps}) must be below steps ({self.steps})")
        return self


class RunSection(_Section):
    """Folder, device, precision, records and checkpoints."""

    section = "run"
    folder: str = Field("", description="Run directory; made when it is not there.", json_schema_extra=_FOLDER)
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        1, description="Seed of the weights, the data order and dropout."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: CUDA, then MPS, then the CPU.")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Type of the matrix products (autocast); weights stay float32. auto: bfloat16 where it is faster.",
    )
    compile: Literal["auto", "on", "off", "reduce-overhead", "max-autotune"] = Field(
        "auto",
        description="torch.compile; auto: where a compiler is found. For CUDA, reduce-overhead: also CUDA graphs, for "
        "small models; max-autotune: kernels chosen by trial, which takes minutes at the start.",
    )
    threads: NotNegative = Field(0, description="CPU threads; 0: one a core.")
    parallel: Literal["ddp", "fsdp"] = Field(
        "ddp", description="Under torchrun: ddp copies the model to every process, fsdp shards it over them."
    )
    log_interval: Positive = Field(10, description="Steps between two recorded training losses.")
    eval_interval: Positive = Field(100, description="Steps between two evaluations of the validation loss.")
    eval_tokens: Positive = Field(
        50_000, description="Validation tokens read at an evaluation; all are read at the end."
    )
    checkpoint_interval: Positive = Field(
        500, description="Steps between two checkpoints; one is always written at the end."
    )
    keep_checkpoints: Positive = Field(2, description="Newest checkpoints kept; the best by validation loss stays too.")
    sample_prompts: tuple[str, ...] = Field(
        ("Once upon a time",), description="Prompts continued at every evaluation, to read how the model learns."
    )
    sample_tokens: NotNegative = Field(60, description="Tokens of each continuation; 0: none are made.")
    sample_temperature: Annotated[float, Field(ge=0, le=5)] = Field(
        0.8, description="Divides the logits of the samples; 0: greedy."
    )
    sample_top_k: NotNegative = Field(40, description="Top-k of the samples; 0: off.")


class TrainConfig(_Section):
    """Everything a run needs, in five sections."""

    model: ModelSection = ModelSection()
    data: DataSection = DataSection()
    optim: OptimSection = OptimSection()
    schedule: ScheduleSection = ScheduleSection()
    run: RunSection = RunSection()


def build_config(values: Mapping[str, Any]) -> TrainConfig:
    """Validates nested values, section by section.

    Raises:
        UserError: naming the first setting that is wrong, why, and what was given.
    """
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = brief(".".join(str(part) for part in first["loc"]))[1:-1]
        if first["type"] == "extra_forbidden":
            raise UserError(f"There is no setting {where}.") from None
        message = first["msg"].removeprefix("Value error, ")
        given = "" if first["type"] == "value_error" else f", not {brief(first['input'])}"
        raise UserError(f"{where}: {message[0].lower()}{message[1:]}{given}.") from None


def with_absolute_paths(config: TrainConfig) -> TrainConfig:
    """The configuration with paths that mean the same from any folder; a ``~`` is filled in."""

    def absolute(path: str) -> str:
        return str(Path(os.path.expanduser(path)).absolute()) if path else ""

    return config.model_copy(
        update={
            "model": config.model.model_copy(update={"init_from": absolute(config.model.init_from)}),
            "data": config.data.model_copy(update={"path": absolute(config.data.path)}),
            "run": config.run.model_copy(update={"folder": absolute(config.run.folder)}),
        }
    )
