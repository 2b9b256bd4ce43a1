"""Quantised copies of models that are in memory."""

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.quantized import QuantizedWeights


def quantize_model(model: GPT2, precision: str) -> GPT2:
    """A copy in "int8" or "int4" of a model on the CPU."""
    weights = QuantizedWeights(model.config, precision)
    for name, weight in model.named_parameters():
        weights.fill(name, weight.detach())
    return weights.model()
