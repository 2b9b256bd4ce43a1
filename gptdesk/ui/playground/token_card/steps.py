"""What each sampler does at one token: steps of the X-ray, for the token card and the rows of the panel. No widgets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gptdesk.inference.sampling.fields import Group, Setting, Slider
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.ui import number_format
from gptdesk.ui.playground.token_card.labels import percent, token_text

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.sampling.sampler import Sampler
    from gptdesk.inference.sampling.xray import Stage, XRay

_EDGES: Final = 200
"""Tokens, the most likely ones, whose edges are shown."""

_ALWAYS: Final = (Group.RANDOMNESS, Group.CUTOFFS)
"""Groups whose common settings have a step even where they are neutral."""

_GREEDY: Final = "without effect at temperature 0"
_FOREIGN: Final = "of another vocabulary, without effect"


class Edge(msgspec.Struct, frozen=True):
    """A token on the scale of a step's setting.

    Attributes:
        value: of the setting at which the token begins to be removed.
        share: its probability before the step.
        kept: whether the step keeps it.
    """

    value: float
    share: float
    kept: bool


class Step(msgspec.Struct, frozen=True):
    """One setting in the chain.

    Attributes:
        setting: of `SETTINGS`.
        value: of it.
        effect: what it does to the distribution, as "keeps 23 of 50,257 (95 %)"; empty where it is neutral.
        edges: tokens before the step, where its setting removes tokens by a limit.
    """

    setting: Setting
    value: Any
    effect: str
    edges: tuple[Edge, ...]

    @property
    def title(self) -> str:
        """Top-p 0.95."""
        return titled(self.setting, self.value)

    @property
    def sentence(self) -> str:
        """Top-p 0.95 keeps 23 of 50,257 (95 %)."""
        return f"{self.title} {self.effect}".rstrip()


def steps_of(
    shown: XRay, settings: DecodingSettings, tokenizer: Tokenizer, *, also: Collection[str] = ()
) -> list[Step]:
    """The steps in the order of the chain: settings that act, those of `_ALWAYS` that are not rare, and ``also``."""
    from gptdesk.inference.sampling.registry import in_order, switched_on

    stages = iter(shown.stages)
    before = next(stages)
    steps = []
    for sampler in in_order(settings.sampler_order):
        acting = switched_on(sampler, settings)
        after = next(stages) if acting else None
        for name in sampler.settings:
            setting, value = SETTINGS[name], getattr(settings, name)
            if value == setting.neutral and name not in also and not _is_always_shown(setting):
                continue
            effect = _effect(before, after, settings, tokenizer, name, acting)
            edges = tuple(_edges(sampler, before, after)) if name == sampler.settings[0] else ()
            steps.append(Step(setting, value, effect, edges))
        before = after or before
    if settings.greedy and shown.draw is not None:
        taken = f"takes “{token_text(tokenizer.piece(shown.draw.id))}”, the most likely token"
        steps = [Step(one.setting, one.value, taken, ()) if one.setting.name == "temperature" else one for one in steps]
    return steps


def effects(steps: list[Step]) -> Mapping[str, str]:
    """What each setting that is not neutral does to the distribution, by its name."""
    return {step.setting.name: step.effect for step in steps if step.effect}


def titled(setting: Setting, value: Any) -> str:
    """The setting with its value, if that is a number."""
    if setting.limit is None:
        return setting.title
    if setting.word and value == setting.word_value:
        return f"{setting.title} {setting.word}"
    return f"{setting.title} {number_format.decimal(value, setting.decimals)}"


def _is_always_shown(setting: Setting) -> bool:
    return setting.group in _ALWAYS and not setting.rare and isinstance(setting.control, Slider)


def _effect(
    before: Stage,
    after: Stage | None,
    settings: DecodingSettings,
    tokenizer: Tokenizer,
    name: str,
    acting: tuple[str, ...],
) -> str:
    if getattr(settings, name) == SETTINGS[name].neutral:
        return ""
    if after is None:
        return _GREEDY
    if name == "logit_bias" and not settings.has_biases_of(tokenizer.sha256):
        return _FOREIGN
    if name != acting[0]:
        return f"with {SETTINGS[acting[0]].title.lower()}"
    return effect_between(before, after)


def effect_between(before: Stage, after: Stage) -> str:
    """Keeps 23 of 50,257 (95 %): the last is the probability that those had before."""
    if len(after.cut):
        kept, all = number_format.count(after.count), number_format.count(before.count)
        where = "where it acts, " if after.by_chance else ""
        return f"{where}keeps {kept} of {all} ({percent(after.mass)})"
    if (before.probs == after.probs).all():
        return "changes nothing here"
    best = int(before.probs.argmax())
    return f"most likely {percent(float(before.probs[best]))} → {percent(float(after.probs[best]))}"


def _edges(sampler: Sampler[Any], before: Stage, after: Stage | None) -> Iterator[Edge]:
    """The edges of the most likely tokens, the most likely first."""
    count = min(_EDGES, before.count)
    if not count:
        return
    ids = before.probs.argpartition(len(before.probs) - count)[-count:]
    ids = ids[before.left[ids]]
    values = sampler.edges(before.logits, ids)
    if values is None:
        return
    kept = before.left if after is None else after.left
    shares = before.probs[ids]
    for place in (-shares).argsort(kind="stable"):
        yield Edge(float(values[place]), float(shares[place]), bool(kept[ids[place]]))
