"""The samplers in the order in which they apply, and the chain of those that one completion needs.

Every sampler takes and returns the logits of one sequence, (V) float32 on the CPU; what it removes becomes -inf.
Values equal those of ``transformers`` 5.23 bit for bit, ties included but for one case in `typical_p`
(generation/logits_process.py), and so does the order (generation/utils.py, ``_get_logits_processor``), where
``transformers`` has the sampler. The CPU does it, but for what `gptdesk.inference.cuda.sampling` does on a CUDA device:
a vocabulary is 200 kB.
"""

from __future__ import annotations

from typing import Any, Final

from torch import Generator, Tensor

from gptdesk.inference.sampling.choice import argmax, probability, sample
from gptdesk.inference.sampling.cutoffs import MinP, Temperature, TopK, TopP, TypicalP
from gptdesk.inference.sampling.mirostat import Mirostat
from gptdesk.inference.sampling.penalties import CountPenalty, LogitBias, NoRepeatNgram, RepetitionPenalty
from gptdesk.inference.sampling.sampler import History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings

SAMPLERS: Final[tuple[Sampler[Any], ...]] = (
    LogitBias(),
    RepetitionPenalty(),
    NoRepeatNgram(),
    CountPenalty(),
    Temperature(),
    TopK(),
    TopP(),
    MinP(),
    TypicalP(),
    Mirostat(),
)
"""First to last."""


class SamplerChain:
    """The samplers that ``settings`` switch on, with their state in one completion.

    Attributes:
        greedy: whether the most likely token is always taken.
    """

    def __init__(self, settings: DecodingSettings) -> None:
        self.greedy = settings.greedy
        self._steps = [
            (sampler, sampler.start(settings))
            for sampler in SAMPLERS
            if (sampler.greedy or not settings.greedy) and _is_on(sampler, settings)
        ]
        self._told = [step for step in self._steps if type(step[0]).chosen is not Sampler.chosen]

    def apply(self, logits: Tensor, history: History) -> Tensor:
        """The logits that a token is drawn from.

        Args:
            logits: (V) float32 on the CPU, the model's own.
            history: of ids in 0 ... V - 1.
        """
        for sampler, state in self._steps:
            logits = sampler.apply(logits, history, state)
        return logits

    def choose(self, logits: Tensor, history: History, generator: Generator) -> int:
        """The next token's id; ``generator`` as in `sample`.

        Raises:
            UserError: when every token is banned.
        """
        logits = self.apply(logits, history)
        if self.greedy:
            return argmax(logits)
        id = sample(logits, generator)
        if self._told:
            drawn_with = probability(logits, id)
            for sampler, state in self._told:
                sampler.chosen(state, id, drawn_with)
        return id


def _is_on(sampler: Sampler[Any], settings: DecodingSettings) -> bool:
    return any(getattr(settings, name) != getattr(_NEUTRAL, name) for name in sampler.settings)


_NEUTRAL: Final = DecodingSettings()
