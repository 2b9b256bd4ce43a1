"""How the next token is chosen: one frozen, validated object, its limits and its presets. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gptdesk.errors import UserError, brief
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.inference.prompt_lookup import MOST_GUESSES


class Limit(NamedTuple):
    """Smallest and largest value of a setting, both allowed; ``whole`` ones have no fraction."""

    lowest: float
    highest: float
    whole: bool = False


LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "temperature": Limit(0.0, 5.0),
        "top_k": Limit(0, VOCAB_SIZE, whole=True),
        "top_p": Limit(0.0, 1.0),
        "min_p": Limit(0.0, 1.0),
        "typical_p": Limit(0.0, 1.0),
        "repetition_penalty": Limit(0.1, 10.0),
        "presence_penalty": Limit(-2.0, 2.0),
        "frequency_penalty": Limit(-2.0, 2.0),
        "no_repeat_ngram": Limit(0, 100, whole=True),
        "max_tokens": Limit(1, 100_000, whole=True),
        "seed": Limit(0, 2**63 - 1, whole=True),
        "n": Limit(1, 64, whole=True),
        "top_logprobs": Limit(0, 20, whole=True),
        "prompt_lookup": Limit(0, MOST_GUESSES, whole=True),
    }
)
"""Range of every numeric setting."""

BIAS_LIMIT: Final = Limit(-100.0, 100.0)
"""Range of a bias in ``logit_bias``."""

BAN: Final = BIAS_LIMIT.lowest
"""The bias that bans a token outright instead of making it unlikely."""

MAX_STOP_STRINGS: Final = 16
MAX_STOP_LENGTH: Final = 1000
"""Longest stop string, in characters: text is held back while one may be forming."""

GREEDY_BELOW: Final = 1e-4
"""Temperatures under this choose greedily: logits divided by so little may leave float32's range."""


@dataclass(frozen=True, kw_only=True)
class DecodingSettings:
    """How tokens are chosen and when to stop; the defaults sample from the model's own distribution.

    Whole numbers may stand for real ones and lists for tuples. In which order the filters apply: `sampling.process`.

    Attributes:
        temperature: divides the logits; 0 always takes the likeliest token.
        top_k: keep the k likeliest tokens and those tied with the last of them; 0 is off.
        top_p: keep the likeliest tokens that together reach this probability; 1 is off (Holtzman et al. 2019).
        min_p: drop tokens less likely than this share of the likeliest one; 0 is off (Nguyen et al. 2024).
        typical_p: keep the tokens whose surprise is nearest to the expected one, up to this probability; 1 is off
            (Meister et al. 2022).
        repetition_penalty: divides positive and multiplies negative logits of tokens that the prompt or the completion
            already holds; 1 is off (Keskar et al. 2019, section 4.1).
        presence_penalty: taken from the logit of every token sampled so far (OpenAI's API reference).
        frequency_penalty: taken from a token's logit once for each time that it was sampled (the same).
        no_repeat_ngram: no sequence of so many tokens may occur twice, the prompt included; 0 is off.
        logit_bias: added to the logit of a token id, -100 to 100; -100 bans the token.
        stop: the completion ends before the first of these strings.
        max_tokens: longest completion, in tokens.
        seed: start of the random numbers; ``None`` draws a fresh one.
        n: number of completions of the same prompt.
        top_logprobs: how many of the model's likeliest tokens are reported with each one chosen.
        prompt_lookup: tokens that are guessed from the text before and read ahead, where compiled code decodes. No
            guess changes the text; in one that repeats itself they save time; 0 is off (see `PromptLookup`).

    Raises:
        UserError: when a value is out of its range or of the wrong type.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    no_repeat_ngram: int = 0
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)
    stop: tuple[str, ...] = ()
    max_tokens: int = 128
    seed: int | None = None
    n: int = 1
    top_logprobs: int = 0
    prompt_lookup: int = 0

    def __post_init__(self) -> None:
        for name, limit in LIMITS.items():
            value = getattr(self, name)
            if not (name == "seed" and value is None):
                object.__setattr__(self, name, _number(name, value, limit))
        object.__setattr__(self, "logit_bias", _logit_bias(self.logit_bias))
        object.__setattr__(self, "stop", _stop_strings(self.stop))

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return self.temperature < GREEDY_BELOW

    def to_json(self) -> dict[str, Any]:
        """The settings that differ from the neutral ones, ready for ``json.dumps``."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        changed = {name: value for name, value in values.items() if value != getattr(_NEUTRAL, name)}
        if "logit_bias" in changed:
            changed["logit_bias"] = {str(id): bias for id, bias in self.logit_bias.items()}
        if "stop" in changed:
            changed["stop"] = list(self.stop)
        return changed

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


def _number(name: str, value: Any, limit: Limit) -> int | float:
    """The value in its field's type."""
    if limit.whole:
        valid = isinstance(value, int) and not isinstance(value, bool) and limit.lowest <= value <= limit.highest
        if not valid:
            low, high = int(limit.lowest), int(limit.highest)
            raise UserError(f"{name} must be a whole number from {low} to {high}, not {brief(value)}.")
        return int(value)
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not real or not limit.lowest <= value <= limit.highest:  # NaN lies in no range
        raise UserError(f"{name} must be a number from {limit.lowest:g} to {limit.highest:g}, not {brief(value)}.")
    return float(value)


def _logit_bias(values: Any) -> Mapping[int, float]:
    if not isinstance(values, Mapping):
        raise UserError(f"logit_bias must give a bias for each token id, not {brief(values)}.")
    for id in values:
        if not isinstance(id, int) or isinstance(id, bool) or id < 0:
            raise UserError(f"logit_bias must name tokens by their ids, whole numbers from 0, not {brief(id)}.")
    return MappingProxyType({id: _number(f"logit_bias of token {id}", values[id], BIAS_LIMIT) for id in sorted(values)})


def _stop_strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise UserError(f"stop must be a list of strings, not {brief(values)}.")
    if len(values) > MAX_STOP_STRINGS:
        raise UserError(f"There may be at most {MAX_STOP_STRINGS} stop strings, not {len(values)}.")
    for value in values:
        if not 1 <= len(value) <= MAX_STOP_LENGTH:
            raise UserError(f"A stop string must have 1 to {MAX_STOP_LENGTH} characters, not {len(value)}.")
    return tuple(values)


def _is_digits(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit()


_NEUTRAL = DecodingSettings()

PRESETS: Final[Mapping[str, DecodingSettings]] = MappingProxyType(
    {
        "Greedy": DecodingSettings(temperature=0.0),
        "Focused": DecodingSettings(temperature=0.5, top_k=20, top_p=0.9),
        "Balanced": DecodingSettings(temperature=0.8, top_k=40, top_p=0.95),
        "Creative": DecodingSettings(temperature=1.1, top_k=200, top_p=0.98),
    }
)
"""Settings to start from, the safest first; 40 is OpenAI's "good value" for top-k (gpt-2/src/sample.py)."""
