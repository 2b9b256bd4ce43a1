"""Decoding settings: one frozen, validated object that declares each setting once, and presets. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from gptdesk.errors import UserError, brief
from gptdesk.inference.prompt_lookup import MAX_DRAFT_TOKENS
from gptdesk.inference.sampling import setting_checks as checks
from gptdesk.inference.sampling.fields import Group, Limit, Setting, setting, settings_of
from gptdesk.inference.sampling.sampler_settings import SamplerSettings
from gptdesk.inference.until import UNITS

GREEDY_BELOW: Final = 1e-4
"""Temperatures under this choose greedily: logits divided by so little may leave float32's range."""

FRESH_SEEDS: Final = 2**32
"""Random seeds are below this: short enough to type, and all bits that torch's CPU generator uses."""


def _sampler_order(name: str, values: Any) -> tuple[str, ...]:
    """Any setting of a sampler names it: those of presets are read by exactly one."""
    known = [one for one, about in SETTINGS.items() if about.in_preset and one != name] if values else []
    return checks.sampler_order(name, values, known)


@dataclass(frozen=True, kw_only=True)
class DecodingSettings(SamplerSettings):
    """How tokens are chosen and when to stop; the defaults sample from the model's own distribution.

    Each field, here and in `SamplerSettings`, says all that is known of it; `SETTINGS` is the table. Integers may
    stand for floats and lists for tuples. In which order the samplers apply: `gptdesk.inference.sampling.registry`.

    Raises:
        UserError: when a value is out of its range or of the wrong type.
    """

    sampler_order: tuple[str, ...] = setting(
        (),
        title="Order of samplers",
        help="Order in which samplers change the distribution. Settings that are named, such as top_p,temperature, "
        "exchange their places; the others keep theirs.",
        group=Group.OTHER,
        check=_sampler_order,
        rare=True,
        metavar="NAMES",
    )
    max_tokens: int = setting(
        128,
        title="Max tokens",
        help="Maximum length of the completion. A token is about four letters of English.",
        group=Group.LENGTH,
        limit=Limit(1, 100_000, whole=True),
        in_preset=False,
        control="box",
    )
    until: str = setting(
        "max tokens",
        title="Until",
        help="The completion ends after its first sentence, paragraph or line, or at max tokens.",
        group=Group.LENGTH,
        choices=("max tokens", *UNITS),
        in_preset=False,
        metavar="UNIT",
    )
    stop: tuple[str, ...] = setting(
        (),
        title="Stop strings",
        help="The completion ends before the first of these strings.",
        group=Group.LENGTH,
        check=checks.stop_strings,
        in_preset=False,
        metavar="TEXT",
    )
    seed: int | None = setting(
        None,
        title="Seed",
        help="Seed of the random numbers: the same seed, model, device and settings give the same text. Without one, a "
        "random seed is used each time.",
        group=Group.RANDOMNESS,
        limit=Limit(0, 2**63 - 1, whole=True),
        optional=True,
        in_preset=False,
    )
    n: int = setting(
        1,
        title="Completions",
        help="Number of completions of each prompt.",
        group=Group.OTHER,
        limit=Limit(1, 64, whole=True),
        in_preset=False,
        flags=("--n", "-n"),
    )
    top_logprobs: int = setting(
        0,
        title="Top log-probabilities",
        help="Reports this many of the model's most likely tokens with each token.",
        group=Group.OTHER,
        limit=Limit(0, 20, whole=True),
        in_preset=False,
    )
    prompt_lookup: int = setting(
        0,
        title="Speculative tokens",
        help="Number of draft tokens, taken from earlier text, that are verified in one step. Does not change the "
        "text; faster where it repeats itself. Only on a CPU with compiled code.",
        group=Group.OTHER,
        limit=Limit(0, MAX_DRAFT_TOKENS, whole=True),
        in_preset=False,
        control="box",
        word="off",
    )

    def __post_init__(self) -> None:
        for name, one in settings_of(type(self)).items():
            object.__setattr__(self, name, one.checked(getattr(self, name)))

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is always taken."""
        return self.temperature < GREEDY_BELOW

    def has_biases_of(self, tokenizer: str) -> bool:
        """Whether ``logit_bias`` counts for models whose tokenizer has the identity ``tokenizer``."""
        return self.logit_bias_tokenizer in ("", tokenizer)

    def bias_of(self, tokenizer: str, id: int) -> float:
        """The bias of a token of that tokenizer; 0 where it has none."""
        return self.logit_bias.get(id, 0.0) if self.has_biases_of(tokenizer) else 0.0

    def with_bias(self, tokenizer: str, id: int, bias: float) -> DecodingSettings:
        """These settings with another bias of one token; 0 removes it. Biases of another vocabulary are dropped.

        Args:
            tokenizer: identity of the tokenizer whose id it is.
            id: of the token.
            bias: as in ``logit_bias``.
        """
        kept = dict(self.logit_bias) if self.has_biases_of(tokenizer) else {}
        kept.pop(id, None)
        if bias:
            kept[id] = bias
        return replace(self, logit_bias=kept, logit_bias_tokenizer=tokenizer if kept else "")

    def to_json(self) -> dict[str, Any]:
        """The settings that differ from the neutral ones, ready for ``json.dumps``."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: _to_json(value) for name, value in values.items() if value != getattr(_NEUTRAL, name)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DecodingSettings:
        """Reads what `to_json` wrote; what is left out is neutral.

        Raises:
            UserError: when a setting is unknown or its value is out of range.
        """
        if not isinstance(values, Mapping):
            raise UserError("Decoding settings must be one JSON object.")
        unknown = [str(name) for name in values if name not in {f.name for f in fields(cls)}]
        if unknown:
            raise UserError(f"Unknown decoding setting: {brief(', '.join(sorted(unknown)))[1:-1]}.")
        values = dict(values)
        bias = values.get("logit_bias")
        if isinstance(bias, Mapping):  # JSON's keys are strings
            values["logit_bias"] = {int(id) if _is_digits(id) else id: value for id, value in bias.items()}
        return cls(**values)


def completion_seed(seed: int, index: int) -> int:
    """Seed of completion ``index`` of several: the seeds follow each other, and 0 comes after the highest one."""
    return (seed + index) % (int(LIMITS["seed"].highest) + 1)


def _to_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _is_digits(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit()


_NEUTRAL = DecodingSettings()

SETTINGS: Final[Mapping[str, Setting]] = settings_of(DecodingSettings)
"""Every setting, by name."""

LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {name: one.limit for name, one in SETTINGS.items() if one.limit is not None}
)
"""Range of every numeric setting."""

PRESETS: Final[Mapping[str, DecodingSettings]] = MappingProxyType(
    {
        "Greedy": DecodingSettings(temperature=0.0),
        "Focused": DecodingSettings(temperature=0.5, top_k=20, top_p=0.9),
        "Balanced": DecodingSettings(temperature=0.8, top_k=40, top_p=0.95),
        "Creative": DecodingSettings(temperature=1.1, top_k=200, top_p=0.98),
    }
)
"""Settings to start from, from greedy to random; 40 is OpenAI's "good value" for top-k (gpt-2/src/sample.py)."""
