"""Models with random weights, large enough for distributions to be far from uniform and for an error to show."""

from pathlib import Path

import torch

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2


def random_model(config: GPT2Config, *, seed: int = 1, std: float = 0.2) -> GPT2:
    """A model in evaluation mode whose weights, biases among them, are normally distributed.

    Args:
        config: its shape.
        seed: of the generator.
        std: of all weights; their mean is 1 in layer norms and 0 elsewhere.
    """
    model, generator = GPT2(config), torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, mean=float("ln_" in name), std=std, generator=generator)
    return model.eval()


def save_peaked(config: GPT2Config, folder: Path, seed: int) -> Path:
    """Saves a model with four times the weights that training begins with, and returns its folder."""
    model = GPT2(config)
    model.init_weights(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)
    save_model(model, folder)
    return folder
