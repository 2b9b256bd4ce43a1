"""Looking into a quantised model takes no second copy of it: one layer's weights are dequantised at a time."""

import weakref
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.in_torch.quantized import QuantizedLinear
from gptdesk.inference.in_torch.shared_weights import load_quantized
from gptdesk.inference.inspection.ablation import ablate
from gptdesk.inference.inspection.attention import first_token_share, weighted_norms
from gptdesk.inference.inspection.attribution import attribution
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass
from gptdesk.inference.inspection.head_scores import head_scores
from gptdesk.inference.inspection.lens import lens
from gptdesk.inference.inspection.neurons import strongest_neurons
from gptdesk.inference.inspection.patching import PromptPair, Site, patch

LAYERS = 24
IDS = [5, 9, 5, 40, 41, 7]


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> GPT2:
    """A deep model in int4, of which a layer is small."""
    config = GPT2Config(vocab_size=64, n_positions=16, n_embd=32, n_layer=LAYERS, n_head=2)
    folder: Path = tmp_path_factory.mktemp("deep")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        save_model(GPT2(config), folder)
    return load_quantized(folder, "int4")


class LiveWeights:
    """The dequantised weights of blocks that are in memory.

    Attributes:
        most: numbers that were in memory at once.
        total: numbers that were dequantised.
    """

    def __init__(self) -> None:
        self._alive: list[weakref.ref[Tensor]] = []
        self.most = self.total = 0

    def add(self, weights: Tensor) -> None:
        self._alive = [one for one in self._alive if one() is not None] + [weakref.ref(weights)]
        self.total += weights.numel()
        self.most = max(self.most, sum(one.numel() for ref in self._alive if (one := ref()) is not None))


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> LiveWeights:
    counted, real = LiveWeights(), QuantizedLinear.dequantize

    def counting(self: QuantizedLinear, first: int, last: int) -> Tensor:
        weights = real(self, first, last)
        counted.add(weights)
        return weights

    monkeypatch.setattr(QuantizedLinear, "dequantize", counting)
    return counted


VIEWS: dict[str, Callable[[ForwardPass], Any]] = {
    "forward pass": lambda run: forward_pass(run.model, IDS),
    "lens": lens,
    "attention": lambda run: [weighted_norms(run, layer) for layer in range(LAYERS)],
    "first token": first_token_share,
    "attribution": lambda run: attribution(run, 3, 41, 7),
    "head scores": lambda run: head_scores(run.model, texts=1),
    "ablation": lambda run: list(islice(ablate(run, 3, 41), 6)),
    "patching": lambda run: list(
        patch(PromptPair(run, forward_pass(run.model, [6, *IDS[1:]]), 41, 7), Site.HEADS, first=LAYERS - 3)
    ),
    "neurons": lambda run: strongest_neurons(run, 3),
}


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_has_the_weights_of_two_layers_in_memory(view: str, deep: GPT2, live: LiveWeights) -> None:
    run = forward_pass(deep, IDS)
    live.most = live.total = 0
    VIEWS[view](run)
    layer = 12 * 32**2  # of its matrices: 3 C^2 + C^2 + 4 C^2 + 4 C^2
    assert live.most <= layer
    if view in ("forward pass", "attribution", "neurons", "head scores"):
        assert live.total >= LAYERS * 32**2  # it does read all layers
