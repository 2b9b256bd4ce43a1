"""The network at the start of a run: fresh weights, or those of a model, with adapters where asked for."""

from __future__ import annotations

from pathlib import Path

import torch

from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.model import GPT2
from trainer.checkpoint import copy_weights
from trainer.config.schema import TrainConfig
from trainer.lora import add_adapters
from trainer.planning.plan import Plan


def build_model(config: TrainConfig, plan: Plan) -> GPT2:
    """The network at the start of a run, float32 on the CPU: fresh weights, or those of ``model.init_from``.

    Raises:
        UserError: when ``model.init_from`` cannot be read.
    """
    section = config.model
    model = GPT2(
        plan.shape.padded_to(section.vocab_multiple),
        dropout=section.dropout,
        activation_checkpointing=section.activation_checkpointing,
    )
    model.init_weights(torch.Generator().manual_seed(config.run.seed))
    if section.init_from:
        copy_weights(load_model(Path(section.init_from)), model)
    if section.lora_rank:
        add_adapters(model, rank=section.lora_rank, alpha=section.lora_alpha, seed=config.run.seed)
    return model
