"""Mirostat 2.0: keeps the surprise of the text near a target (Basu et al. 2021, https://arxiv.org/abs/2007.14966)."""

from __future__ import annotations

from math import log2

import msgspec
import numpy as np

from gptdesk.inference.sampling.fast import keep_where, softmax
from gptdesk.inference.sampling.sampler import Floats, History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings


class MirostatState(msgspec.Struct):
    """What the sampler has learnt in one completion.

    Attributes:
        tau: target surprise, in bits a token.
        eta: learning rate.
        mu: largest surprise that a token may have now, in bits.
    """

    tau: float
    eta: float
    mu: float


class Mirostat(Sampler[MirostatState]):
    """Removes tokens of a surprise -log2 p over mu, at most all but the most likely, and moves mu after each token.

    As in the paper's algorithm, mu begins at 2 tau and falls by eta (s - tau), where s is the surprise of the token
    among those that were left; in the form without estimated exponent, "Mirostat 2.0"
    (https://github.com/basusourya/mirostat), as llama.cpp has it (``llama_sampler_mirostat_v2_apply``).
    """

    settings = ("mirostat_tau",)
    tuned_by = ("mirostat_eta",)
    title = "Mirostat"

    def start(self, settings: DecodingSettings) -> MirostatState:
        return MirostatState(settings.mirostat_tau, settings.mirostat_eta, mu=2 * settings.mirostat_tau)

    def apply(self, logits: Floats, history: History, state: MirostatState) -> Floats:
        return surprise_cut(logits, state.mu)

    def chosen(self, state: MirostatState, id: int, probability: float) -> None:
        state.mu -= state.eta * (-log2(probability) - state.tau)


def surprise_cut(logits: Floats, most: float) -> Floats:
    """Keeps the tokens with a surprise -log2 p of at most ``most`` bits, and always the most likely ones."""
    probs = softmax(logits)
    least = np.float32(2.0) ** np.float32(-most)
    return keep_where(logits, probs >= min(least, probs.max()))
