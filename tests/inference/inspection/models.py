"""Models that are looked into: those of ``transformers``, ours with the same weights, and one built by hand."""

from pathlib import Path
from typing import Any, Final

import torch
import transformers
from torch import Tensor

from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.resource_files import resource
from tests.gpt2_variants import VARIANTS, variant_folder, variant_ids

BUNDLED: Final = "the bundled model"
NO_BIAS: Final = "without biases"
UNTIED: Final = "with a head of its own"
MODELS: Final = (*VARIANTS, NO_BIAS, UNTIED, BUNDLED)
"""Names of the models of `ours` and `theirs`."""


def folder_of(name: str, folder: Path) -> Path:
    """The folder of a model, written into ``folder`` unless it is the bundled one."""
    if name == BUNDLED:
        return resource("models", "stories")
    if name in VARIANTS:
        return variant_folder(name, folder)
    save_model(random_model(bias=name != NO_BIAS, tied=name != UNTIED), folder)
    return folder


def ids_of(name: str) -> list[int]:
    """A text for the model."""
    return [839, 619, 258, 503, 434, 302, 258, 426, 657, 11, 270, 434] if name == BUNDLED else variant_ids()


def theirs(folder: Path) -> Any:
    """The model of ``transformers`` in float32, with attention by the book."""
    return transformers.GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def ours(folder: Path) -> GPT2:
    """The same model, ours."""
    return load_model(folder)


def random_model(*, seed: int = 5, bias: bool = True, tied: bool = True, n_layer: int = 3) -> GPT2:
    """A tiny model with weights so large that every part counts."""
    model = GPT2(
        GPT2Config(
            vocab_size=97, n_positions=40, n_embd=36, n_layer=n_layer, n_head=3, bias=bias, tie_word_embeddings=tied
        )
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(mean=float("ln_" in name), std=0.2, generator=generator)
    return model.eval()


def induction_model() -> GPT2:
    """Two layers of two heads, made by hand of one-hot vectors; the MLPs add nothing.

    Layer 0, head 0 looks at the token before and copies it; head 1 looks at the same token. Layer 1, head 1 looks for
    the copy of the present token, which is behind where that token was: an induction head. Layer 1, head 0 looks
    everywhere alike.
    """
    V, P, size = 16, 40, 48
    token, position, before = 0, V, V + P  # where the residual stream has what
    model = GPT2(GPT2Config(vocab_size=V, n_positions=P, n_embd=2 * size, n_layer=2, n_head=2, bias=False)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(float("ln_" in name))
        model.wte.weight[:, token : token + V] = torch.eye(V)
        model.wpe.weight[:, position : position + P] = torch.eye(P)
        first, second = (block.attn.c_attn.weight.view(3, 2, size, 2 * size) for block in model.h)  # type: ignore
        strong = 2.0
        _identity(first[0, 0, 1:], position, P - 1, strong, skip=1)  # position i looks for i ...
        _identity(first[1, 0, 1:], position, P - 1, strong)  # ... and is found by position i + 1
        _identity(first[2, 0], token, V, 1.0)
        model.h[0].attn.c_proj.weight[before : before + V, :V] = torch.eye(V) / 5  # type: ignore[index]
        for part in (0, 1):
            _identity(first[part, 1], token, V, strong)
        _identity(second[0, 1], token, V, strong)
        _identity(second[1, 1], before, V, strong)
        _identity(second[2, 1], token, V, 1.0)
        model.h[1].attn.c_proj.weight[token : token + V, size : size + V] = torch.eye(V)  # type: ignore[index]
    return model


def _identity(matrix: Tensor, first: int, count: int, factor: float, skip: int = 0) -> None:
    """Has outputs 0 ... count - 1 read ``count`` inputs from ``first + skip`` on."""
    matrix[:count, first + skip : first + skip + count] = factor * torch.eye(count)
