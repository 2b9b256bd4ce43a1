"""XTC, "exclude top choices": now and then removes the most likely tokens (p-e-w 2024).

Source: https://github.com/oobabooga/text-generation-webui/pull/6335, as ``XTCLogitsWarper`` there and
``llama_sampler_xtc_apply`` in llama.cpp have it; without the exception for line ends and ends of text that the former
makes and the latter does not.
"""

from __future__ import annotations

import msgspec

from gptdesk.inference.sampling.fast import exclude_top_choices
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import Floats, History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings


class XtcState(msgspec.Struct):
    """What decides whether and how the sampler acts at the next token.

    Attributes:
        probability: with which it acts.
        threshold: probability from which a token is one of the most likely.
        number: drawn from 0 (inclusive) to 1; it acts where this is below ``probability``. 0 until one is drawn.
    """

    probability: float
    threshold: float
    number: float = 0.0


class Xtc(Sampler[XtcState]):
    """`exclude_top_choices`, where the number that is drawn for the token says so."""

    settings = ("xtc_probability",)
    tuned_by = ("xtc_threshold",)
    title = "XTC"

    def start(self, settings: DecodingSettings) -> XtcState:
        return XtcState(settings.xtc_probability, settings.xtc_threshold)

    def draw(self, state: XtcState, numbers: RandomNumbers) -> None:
        state.number = numbers.uniform()

    def apply(self, logits: Floats, history: History, state: XtcState) -> Floats:
        return exclude_top_choices(logits, state.threshold) if state.number < state.probability else logits
