"""Low-rank adapters (Hu et al. 2021, "LoRA"): small matrices trained in place of large frozen ones."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2

ADAPTED: Final = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
WEIGHTS_FILE: Final = "adapter_model.safetensors"
CONFIG_FILE: Final = "adapter_config.json"
_PREFIX: Final = "base_model.model.transformer."


class LoRALinear(nn.Linear):
    """A linear layer whose weight, (out, in), is frozen, plus ``alpha / rank * lora_B @ lora_A``.

    Attributes:
        lora_A: (rank, in), starts random.
        lora_B: (out, rank), starts at zero, so that training starts from the base model.
    """

    def __init__(self, base: nn.Linear, *, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__(base.in_features, base.out_features, bias=base.bias is not None, device="meta")
        self.weight = base.weight
        self.register_parameter("bias", base.bias)
        self.scale = alpha / rank
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5), generator=generator)  # as the paper's own code

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale

    def merged(self) -> Tensor:
        """Weight of a plain linear layer that computes the same, (out, in)."""
        return self.weight + self.scale * self.lora_B @ self.lora_A


def add_adapters(model: GPT2, *, rank: int, alpha: float, seed: int) -> None:
    """Freezes ``model`` and puts adapters on every linear layer of its blocks, in place."""
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for block in model.h:
        for path in ADAPTED:
            parent_name, _, name = path.rpartition(".")
            parent = block.get_submodule(parent_name)
            base = getattr(parent, name)
            setattr(parent, name, LoRALinear(base, rank=rank, alpha=alpha, generator=generator))


def has_adapters(model: nn.Module) -> bool:
    """Whether a layer of ``model`` has an adapter."""
    return any(isinstance(module, LoRALinear) for module in model.modules())


@torch.no_grad()
def merged_model(model: GPT2) -> GPT2:
    """A plain model, on the CPU, that computes the same as ``model`` with its adapters."""
    plain = GPT2(model.config)
    adapted = {f"{name}.weight": module for name, module in model.named_modules() if isinstance(module, LoRALinear)}
    weights = dict(model.named_parameters())
    for name, parameter in plain.named_parameters():
        parameter.copy_(adapted[name].merged() if name in adapted else weights[name])
    return plain


def save_adapters(model: GPT2, folder: Path, *, base: str) -> None:
    """Writes the adapters as the ``peft`` library lays them out for GPT-2.

    Args:
        model: with adapters.
        folder: to write to.
        base: folder of the model that was adapted; empty when unknown.
    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}
    tensors = {
        f"{_PREFIX}{name}.{part}.weight": getattr(layer, part).detach().cpu().contiguous()
        for name, layer in layers.items()
        for part in ("lora_A", "lora_B")
    }
    first = next(iter(layers.values()))
    rank = first.lora_A.shape[0]
    description = {
        "base_model_name_or_path": base or None,
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": first.scale * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": True,  # the hub's GPT-2 stores these layers transposed
        "target_modules": list(ADAPTED),
    }
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    (folder / CONFIG_FILE).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_adapters(model: GPT2, folder: Path) -> None:
    """Fills the adapters of ``model`` from what `save_adapters` wrote.

    Raises:
        UserError: when they are missing, damaged or of another rank.
    """
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
    except (OSError, SafetensorError) as error:
        raise UserError(f"The adapters in {folder} cannot be read: {error}.") from None
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            layer, _, part = name.rpartition(".")
            if part in ("lora_A", "lora_B"):
                stored = tensors.get(f"{_PREFIX}{layer}.{part}.weight")
                if stored is None or stored.shape != parameter.shape:
                    raise UserError(f"The adapters in {folder} do not fit: {name} is missing or has another shape.")
                parameter.copy_(stored)
