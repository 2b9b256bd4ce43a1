"""Models of many shapes with random weights, for the CPU's own network and decoder."""

import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.weights import Weights
from gptdesk.inference.in_torch.shared_weights import model_of
from tests.inference.quantized_models import weights_of
from tests.random_models import random_model

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-3, "int8": 1e-3, "int4": 1e-3}
ROUNDED_INPUTS = ("int8", "int4")
"""Precisions at which the decoder rounds what it multiplies to 16 bits."""

SHAPES = {
    "head size 32, odd layers": GPT2Config(vocab_size=499, n_positions=96, n_embd=96, n_layer=3, n_head=3),
    "head size 64, no bias": GPT2Config(
        vocab_size=97, n_positions=130, n_embd=128, n_layer=2, n_head=2, bias=False, tie_word_embeddings=False
    ),
    "head size 80, one layer": GPT2Config(vocab_size=257, n_positions=50, n_embd=80, n_layer=1, n_head=1),
    "head size 128, five layers, no bias": GPT2Config(
        vocab_size=64, n_positions=33, n_embd=256, n_layer=5, n_head=2, bias=False
    ),
    "padded vocabulary": GPT2Config(vocab_size=1001, n_positions=40, n_embd=64, n_layer=2, n_head=2).padded_to(64),
    "odd widths": GPT2Config(vocab_size=101, n_positions=21, n_embd=35, n_layer=2, n_head=5, n_inner=51),
    "one of everything": GPT2Config(vocab_size=1, n_positions=1, n_embd=1, n_layer=1, n_head=1),
}


def random_weights(config: GPT2Config, precision: str = "float32") -> Weights:
    return weights_of(random_model(config), precision)


def reference(weights: Weights) -> GPT2:
    """The network in torch that computes in float32 with the weights that these stand for."""
    model = model_of(weights)
    if weights.precision != "bfloat16":
        return model
    same = GPT2(weights.config)
    same.load_state_dict(model.state_dict())
    return same.eval()


def random_ids(config: GPT2Config) -> list[int]:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(config.vocab_size, (config.n_positions,), generator=generator).tolist()


def assert_close(found: torch.Tensor, expected: torch.Tensor, precision: str) -> None:
    """Whether a decoder computes what the network does at each position: each number, or where what is multiplied is
    rounded the position's numbers together, to `TOLERANCE`."""
    tolerance = TOLERANCE[precision]
    if precision in ROUNDED_INPUTS:
        assert ((found - expected).norm(dim=-1) <= tolerance * expected.norm(dim=-1)).all()
    else:
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


def with_outliers(config: GPT2Config, precision: str) -> Weights:
    """Weights in which two columns of what products read are 30 and 60 times the others, as in GPT-2."""
    model = reference(random_weights(config))
    with torch.no_grad():
        for block in model.h:
            for norm, product in ((block.ln_1, block.attn.c_attn), (block.ln_2, block.mlp.c_fc)):
                for column, factor in ((3, 30.0), (17, 60.0)):
                    norm.weight[column] *= factor
                    product.weight[:, column] /= factor
    return weights_of(model, precision)
