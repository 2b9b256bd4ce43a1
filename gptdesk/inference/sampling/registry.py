"""The samplers in the order in which they apply. Imports no torch.

Every sampler takes and returns the logits of one sequence, (V) float32; what it removes becomes -inf. What is left
equals that of ``transformers`` 5.23 (generation/logits_process.py), but for tokens at which rounding decides, and so
does the order (generation/utils.py, ``_get_logits_processor``), where ``transformers`` has the sampler. The CPU does
it, but for what `gptdesk.inference.cuda.sampling` does on a CUDA device: a vocabulary is 200 kB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gptdesk.inference.sampling.cutoffs import MinP, Temperature, TopK, TopNSigma, TopP, TypicalP
from gptdesk.inference.sampling.dry import Dry
from gptdesk.inference.sampling.mirostat import Mirostat
from gptdesk.inference.sampling.penalties import CountPenalty, LogitBias, NoRepeatNgram, RepetitionPenalty
from gptdesk.inference.sampling.sampler import Sampler
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.inference.sampling.xtc import Xtc

SAMPLERS: Final[tuple[Sampler[Any], ...]] = (
    LogitBias(),
    RepetitionPenalty(),
    NoRepeatNgram(),
    CountPenalty(),
    Dry(),
    Temperature(),
    TopNSigma(),
    TopK(),
    TopP(),
    MinP(),
    TypicalP(),
    Xtc(),
    Mirostat(),
)
"""First to last, unless ``sampler_order`` says otherwise."""


def in_order(order: Sequence[str]) -> list[Sampler[Any]]:
    """All samplers: those that ``order`` names by one of their settings exchange their places, the others keep theirs.

    So an order that was saved before a sampler was added still says what it said.
    """
    place_of = {name: place for place, one in enumerate(SAMPLERS) for name in (*one.settings, *one.tuned_by)}
    named = list(dict.fromkeys(place_of[name] for name in order if name in place_of))
    arranged = list(SAMPLERS)
    for place, source in zip(sorted(named), named, strict=True):
        arranged[place] = SAMPLERS[source]
    return arranged


def switched_on(sampler: Sampler[Any], settings: DecodingSettings) -> tuple[str, ...]:
    """The settings by which the sampler applies: those of its own that are not neutral; none where it does not."""
    if settings.greedy and not sampler.greedy:
        return ()
    return tuple(name for name in sampler.settings if getattr(settings, name) != SETTINGS[name].neutral)


def title_of(sampler: Sampler[Any]) -> str:
    """What people call a sampler."""
    return sampler.title or ", ".join(SETTINGS[name].title for name in sampler.settings)
