"""Makes the origin of text that the model in use generates."""

from __future__ import annotations

import uuid
from typing import Any

from gptdesk.devices import runtime_of
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.provenance.replay import prompt_hash
from gptdesk.store.runs import Origin
from gptdesk.ui.services.inference_messages import ModelInfo


def origin_of(
    model: ModelInfo,
    settings: DecodingSettings,
    prompt: MixedText,
    seed: int | None = None,
    intervention: Intervention = WHOLE,
) -> Origin:
    """Where text comes from that ``model`` generates behind ``prompt``; a new generation.

    Args:
        model: in use.
        settings: with which it chooses, or has chosen.
        prompt: the text before it.
        seed: of its random numbers; ``None`` where none were drawn.
        intervention: what is changed in the model; PyTorch computes it then, whose versions are known at the end.
    """
    whole = intervention == WHOLE
    return Origin(
        generation=uuid.uuid4().hex,
        model=model.model,
        settings=settings,
        seed=seed,
        device=model.device,
        precision=model.precision,
        backend=model.backend if whole else "torch",
        tokenizer=model.tokenizer.sha256,
        weights=model.weights or "",
        runtime=model.runtime if whole else "",
        prompt=prompt_hash(prompt),
        intervention=intervention,
    )


def known_at_end(done: DoneEvent, intervention: Intervention) -> dict[str, Any]:
    """Fields of an origin that are known once the generation has ended."""
    known = {"backend": done.backend, "prompt_tokens": done.prompt_tokens}
    if intervention != WHOLE:
        known["runtime"] = runtime_of(done.device, done.backend)
    return known
