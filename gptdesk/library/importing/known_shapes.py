"""The config of weights that come without one, where their shape is one of OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING
from gptdesk.library.known_models.known import KNOWN


def known_config(shapes: Mapping[str, tuple[int, ...]]) -> GPT2Config | None:
    """The config of a known model with that width and number of layers, by our names and shapes of the weights.

    None for any other: the number of heads shows in no weight.
    """
    width = shapes.get(EMBEDDING, (0, 0))[-1]
    layers = {name.split(".")[1] for name in shapes if name.startswith("h.")}
    configs = (known.config for known in KNOWN if not known.more)
    return next((config for config in configs if (config.n_embd, config.n_layer) == (width, len(layers))), None)
