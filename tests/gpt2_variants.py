"""Variants of GPT-2 that people's models have, as tiny models of ``transformers`` with random weights."""

from pathlib import Path
from typing import Any, Final

import torch
import transformers

from gptdesk.gpt2.activations import ACTIVATIONS

SHAPE: Final = {"vocab_size": 97, "n_positions": 40, "n_embd": 36, "n_layer": 3, "n_head": 2}

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    **{name: {"activation_function": name} for activation in ACTIVATIONS for name in activation.names},
    "unscaled attention": {"scale_attn_weights": False},
    "attention scaled by layer": {"scale_attn_by_inverse_layer_idx": True},
    "attention scaled by layer alone": {"scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False},
    "Mistral's, with upcast attention": {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    "Cerebras-GPT's": {"activation_function": "gelu", "n_inner": 100},
}
"""Changes to the config, by what they are called: every name of every activation function among them."""


def variant(name: str, kind: Any = transformers.GPT2LMHeadModel) -> Any:
    """A model of that variant, in evaluation mode; its attention is computed by the book (eager)."""
    config = transformers.GPT2Config(**SHAPE | VARIANTS[name], bos_token_id=None, eos_token_id=None)
    config._attn_implementation = "eager"
    model = kind(config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter_name, weight in model.named_parameters():
            weight.normal_(mean=float("ln_" in parameter_name), std=0.2, generator=generator)
    return model.eval()


def variant_folder(name: str, folder: Path, kind: Any = transformers.GPT2LMHeadModel) -> Path:
    """A folder with that model, as ``transformers`` saves it."""
    variant(name, kind).save_pretrained(folder)
    return folder


def variant_ids() -> list[int]:
    """A text as long as the context."""
    generator = torch.Generator().manual_seed(4)
    return torch.randint(SHAPE["vocab_size"], (SHAPE["n_positions"],), generator=generator).tolist()


@torch.inference_mode()
def variant_logits(name: str) -> torch.Tensor:
    """What ``transformers`` computes: logits after each of `variant_ids`, (T, V)."""
    logits: torch.Tensor = variant(name)(torch.tensor([variant_ids()])).logits[0]
    return logits
