"""Decoding settings: one frozen, validated object that declares each setting once, and presets. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from gptdesk.errors import UserError, brief
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.inference.prompt_lookup import MAX_DRAFT_TOKENS
from gptdesk.inference.sampling.fields import Group, Limit, Setting, Slider, number, setting, settings_of

BIAS_LIMIT: Final = Limit(-100.0, 100.0)
"""Range of a bias in ``logit_bias``."""

BAN: Final = BIAS_LIMIT.lowest
"""The bias that bans a token outright instead of making it unlikely."""

MAX_STOP_STRINGS: Final = 16
MAX_STOP_LENGTH: Final = 1000
"""Longest stop string, in characters: text is held back while one may be forming."""

GREEDY_BELOW: Final = 1e-4
"""Temperatures under this choose greedily: logits divided by so little may leave float32's range."""


def _logit_bias(name: str, values: Any) -> Mapping[int, float]:
    if not isinstance(values, Mapping):
        raise UserError(f"{name} must give a bias for each token id, not {brief(values)}.")
    for id in values:
        if not isinstance(id, int) or isinstance(id, bool) or id < 0:
            raise UserError(f"{name} must name tokens by their ids, whole numbers from 0, not {brief(id)}.")
    return MappingProxyType({id: number(f"{name} of token {id}", values[id], BIAS_LIMIT) for id in sorted(values)})


def _stop_strings(name: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise UserError(f"{name} must be a list of strings, not {brief(values)}.")
    if len(values) > MAX_STOP_STRINGS:
        raise UserError(f"There may be at most {MAX_STOP_STRINGS} stop strings, not {len(values)}.")
    for value in values:
        if not 1 <= len(value) <= MAX_STOP_LENGTH:
            raise UserError(f"A stop string must have 1 to {MAX_STOP_LENGTH} characters, not {len(value)}.")
    return tuple(values)


@dataclass(frozen=True, kw_only=True)
class DecodingSettings:
    """How tokens are chosen and when to stop; the defaults sample from the model's own distribution.

    Each field says all that is known of it; `SETTINGS` is the table. Integers may stand for floats and lists for
    tuples. In which order the samplers apply: `gptdesk.inference.sampling.registry`.

    Raises:
        UserError: when a value is out of its range or of the wrong type.
    """

    temperature: float = setting(
        1.0,
        title="Temperature",
        help="Divides the logits before sampling: 0 = greedy, 1 = the model's distribution, higher = more random.",
        group=Group.RANDOMNESS,
        limit=Limit(0.0, 5.0),
        control=Slider(highest=5.0, middle=1.0),
        word="greedy",
        word_value=0.0,
    )
    top_k: int = setting(
        0,
        title="Top-k",
        help="Keeps the k most likely tokens and those tied with the last of them (Fan et al. 2018).",
        group=Group.CUTOFFS,
        limit=Limit(0, VOCAB_SIZE, whole=True),
        control=Slider(lowest=1, highest=1000, logarithmic=True),
        word="off",
    )
    top_p: float = setting(
        1.0,
        title="Top-p",
        help="Keeps the most likely tokens that together reach this probability (Holtzman et al. 2019).",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 1.0),
        control=Slider(highest=1.0),
        word="off",
    )
    min_p: float = setting(
        0.0,
        title="Min-p",
        help="Removes tokens less likely than this fraction of the most likely one (Nguyen et al. 2024).",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 1.0),
        control=Slider(highest=1.0, middle=0.15),
        word="off",
    )
    typical_p: float = setting(
        1.0,
        title="Typical-p",
        help="Keeps the tokens whose surprise is nearest to the entropy, until they reach this probability "
        "(Meister et al. 2022).",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 1.0),
        control=Slider(highest=1.0),
        word="off",
    )
    repetition_penalty: float = setting(
        1.0,
        title="Repetition penalty",
        help="Above 1, tokens that the prompt or the completion already contains become less likely: positive logits "
        "are divided by it, negative ones multiplied (Keskar et al. 2019).",
        group=Group.REPETITION,
        limit=Limit(0.1, 10.0),
        control=Slider(lowest=1.0, highest=2.0),
        word="off",
    )
    presence_penalty: float = setting(
        0.0,
        title="Presence penalty",
        help="Subtracted from the logit of every token of the completion so far.",
        group=Group.REPETITION,
        limit=Limit(-2.0, 2.0),
        control=Slider(highest=2.0),
        word="off",
    )
    frequency_penalty: float = setting(
        0.0,
        title="Frequency penalty",
        help="Subtracted from a token's logit for each time that the completion contains it.",
        group=Group.REPETITION,
        limit=Limit(-2.0, 2.0),
        control=Slider(highest=2.0),
        word="off",
    )
    no_repeat_ngram: int = setting(
        0,
        title="No-repeat n-gram",
        help="Never repeats a sequence of this many tokens, those of the prompt included.",
        group=Group.REPETITION,
        limit=Limit(0, 100, whole=True),
        control=Slider(highest=10),
        word="off",
    )
    mirostat_tau: float = setting(
        0.0,
        title="Mirostat target",
        help="Keeps the average surprise of the tokens near this many bits by an upper limit on each (Mirostat 2.0, "
        "Basu et al. 2021). Use it without other cut-offs; 3 to 6 is usual.",
        group=Group.OTHER,
        limit=Limit(0.0, 20.0),
        control=Slider(highest=10.0),
        word="off",
    )
    mirostat_eta: float = setting(
        0.1,
        title="Mirostat rate",
        help="How fast Mirostat's limit follows the surprise of the tokens.",
        group=Group.OTHER,
        limit=Limit(0.0, 1.0),
        control="box",
    )
    logit_bias: Mapping[int, float] = setting(
        default_factory=dict,
        hash=False,
        title="Logit bias",
        help="Adds BIAS, -100 to 100, to the logit of the token with this ID; -100 bans it.",
        group=Group.OTHER,
        check=_logit_bias,
        metavar="ID=BIAS",
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
    stop: tuple[str, ...] = setting(
        (),
        title="Stop strings",
        help="The completion ends before the first of these strings.",
        group=Group.LENGTH,
        check=_stop_strings,
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
