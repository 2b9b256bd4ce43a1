"""Makes the origin of text that the model in use generates."""

from __future__ import annotations

import uuid

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.provenance.replay import prompt_hash
from gptdesk.store.runs import Origin
from gptdesk.ui.services.inference_messages import ModelInfo


def origin_of(model: ModelInfo, settings: DecodingSettings, prompt: MixedText, seed: int | None = None) -> Origin:
    """Where text comes from that ``model`` generates behind ``prompt``; a new generation.

    Args:
        model: in use.
        settings: with which it chooses, or has chosen.
        prompt: the text before it.
        seed: of its random numbers; ``None`` where none were drawn.
    """
    return Origin(
        generation=uuid.uuid4().hex,
        model=model.model,
        settings=settings,
        seed=seed,
        device=model.device,
        precision=model.precision,
        backend=model.backend,
        tokenizer=model.tokenizer.sha256,
        weights=model.weights or "",
        runtime=model.runtime,
        prompt=prompt_hash(prompt),
    )
