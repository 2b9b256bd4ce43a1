"""Derives a run's shape, steps, work and memory from its configuration. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.gpt2.config import VOCAB_SIZE, GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from trainer.config.schema import TrainConfig
from trainer.data.manifest import read_manifest
from trainer.data.tokenizer import DataTokenizer, label
from trainer.optimizers.table import state_floats

FLOAT_BYTES: Final = 4
"""Of a float32 number: weights, gradients and optimizer state are kept as such."""

FLOPS_FORMULA = "6 N + 12 L C T FLOP a token"
"""N weights that multiply (all but the position table), L layers, C width, T context.

Chowdhery et al. 2022, "PaLM", appendix B; nanoGPT's ``estimate_mfu`` is the same.
"""


def flops_per_token(shape: GPT2Config, context_length: int) -> int:
    """Floating-point operations of forward and backward pass for one token, by `FLOPS_FORMULA`."""
    multiplying = shape.num_parameters() - shape.n_positions * shape.n_embd
    return 6 * multiplying + 12 * shape.n_layer * shape.n_embd * context_length


@dataclass(frozen=True)
class Plan:
    """A configuration resolved against the model it starts from and the number of processes.

    Attributes:
        shape: of the network, without padding of the vocabulary.
        context_length: tokens in a training sequence.
        accumulation: micro-batches that each process sums into a step.
        tokens_per_step: over all processes.
    """

    shape: GPT2Config
    context_length: int
    accumulation: int
    tokens_per_step: int


def plan_run(config: TrainConfig, *, world_size: int = 1, vocab_size: int | None = None) -> Plan:
    """Resolves a configuration for a number of processes.

    Args:
        vocab_size: tokens of a model from scratch; ``None`` for those of its data.

    Raises:
        UserError: when the model to start from cannot be read, or the numbers do not fit each other.
    """
    if config.model.init_from:
        shape = read_config(Path(config.model.init_from))
    else:
        shape = config.model.gpt2_config(vocab_size or vocabulary_of(config.data.path))
    context_length = config.data.context_length or shape.n_positions
    if context_length > shape.n_positions:
        raise UserError(
            f"data.context_length ({context_length:,}) is longer than the model's context ({shape.n_positions:,})."
        )
    together = config.data.micro_batch_size * world_size
    if config.data.batch_size % together:
        raise UserError(
            f"data.batch_size ({config.data.batch_size}) must be a multiple of micro_batch_size times "
            f"processes ({config.data.micro_batch_size} x {world_size})."
        )
    return Plan(
        shape=shape,
        context_length=context_length,
        accumulation=config.data.batch_size // together,
        tokens_per_step=config.data.batch_size * context_length,
    )


def vocabulary_of(data: str) -> int:
    """Tokens in the vocabulary of prepared data; OpenAI's where it cannot be read (opening it gives the message)."""
    try:
        return DataTokenizer.from_manifest(read_manifest(Path(data).expanduser())[0]).vocab_size if data else VOCAB_SIZE
    except (UserError, RuntimeError):
        return VOCAB_SIZE


def require_tokenizer(model: Path, data: Path) -> None:
    """Refuses to train a model on tokens of another vocabulary than its own.

    Args:
        model: its folder.
        data: prepared folder to train on.

    Raises:
        UserError: naming both tokenizers, or when one of them cannot be read.
    """
    own, other = load_tokenizer(model, read_config(model)), DataTokenizer.from_manifest(read_manifest(data)[0])
    if own.sha256 != other.sha256:
        raise UserError(
            f"The model in {model} has {label(own)}, and the data in {data} was prepared with {other.label}: prepare "
            f"the text again with --tokenizer {model}."
        )


def trained_weights(config: TrainConfig, plan: Plan) -> tuple[int, int]:
    """Weights that are trained: those in matrices of the blocks, and all others. With LoRA, those of the adapters."""
    shape = plan.shape
    if config.model.lora_rank:
        return config.model.lora_rank * shape.n_layer * (8 * shape.n_embd + 2 * shape.inner_size), 0
    matrices = 2 * shape.n_layer * (2 * shape.n_embd**2 + shape.n_embd * shape.inner_size)
    return matrices, shape.num_parameters() - matrices


def optimizer_bytes(config: TrainConfig, plan: Plan) -> int:
    """Bytes of the optimizer's state."""
    matrices, others = trained_weights(config, plan)
    return FLOAT_BYTES * state_floats(config.optim.optimizer, block_matrices=matrices, others=others)


def require_validation(config: TrainConfig, val_tokens: int) -> None:
    """Refuses early stopping where there is no validation text.

    Raises:
        UserError: naming both.
    """
    patience = config.schedule.early_stop_evaluations
    if patience and not val_tokens:
        raise UserError(
            f"schedule.early_stop_evaluations ({patience}) needs validation text, and data.path ({config.data.path}) "
            "was prepared without any (--val-share 0): set it to 0, or prepare the data with validation."
        )


@dataclass(frozen=True)
class MemoryNeed:
    """Estimated peak memory of a process in bytes, within about 20 %.

    Attributes:
        weights, gradients, optimizer: of float32 numbers.
        activations: kept for the backward pass, the logits and their gradient included.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations


def memory_need(config: TrainConfig, plan: Plan, *, bytes_per_activation: int, world_size: int = 1) -> MemoryNeed:
    """Estimates the memory of one process.

    A block keeps about 34 C bytes a token at 16 bits, without attention scores, which SDPA recomputes (Korthikanti et
    al. 2022, "Reducing Activation Recomputation", section 4): 17 numbers; with activation checkpointing one. Under DDP
    the buckets that gradients travel in are a second copy of them.
    """
    shape = plan.shape
    sharded = world_size if config.run.parallel == "fsdp" else 1
    parameters = FLOAT_BYTES * shape.num_parameters() // sharded
    gradients = FLOAT_BYTES * sum(trained_weights(config, plan)) // sharded
    optimizer = optimizer_bytes(config, plan) // sharded
    if world_size > 1 and config.run.parallel == "ddp":
        gradients *= 2
    tokens = config.data.micro_batch_size * plan.context_length
    kept = 1 if config.model.activation_checkpointing else 17
    blocks = tokens * shape.n_layer * shape.n_embd * kept * bytes_per_activation
    logits = tokens * shape.vocab_size * (2 * bytes_per_activation + 4)
    return MemoryNeed(parameters, gradients, optimizer, blocks + logits)
