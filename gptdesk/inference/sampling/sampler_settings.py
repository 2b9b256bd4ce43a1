"""The settings that samplers read: how a token is chosen. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.inference.sampling import setting_checks as checks
from gptdesk.inference.sampling.fields import Group, Limit, Slider, setting


@dataclass(frozen=True, kw_only=True)
class SamplerSettings:
    """The part of `DecodingSettings` that samplers read; the defaults leave the model's own distribution."""

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
    dynatemp_range: float = setting(
        0.0,
        title="Dynamic temperature",
        help="The temperature moves between this much below and above the one set, with the entropy of the "
        "distribution: lower where the model is sure (as in llama.cpp and KoboldCpp).",
        group=Group.RANDOMNESS,
        limit=Limit(0.0, 5.0),
        rare=True,
        control=Slider(highest=2.0),
        word="off",
    )
    dynatemp_exponent: float = setting(
        1.0,
        title="Dynamic exponent",
        help="Shapes dynamic temperature: over 1, only a high entropy raises the temperature.",
        group=Group.RANDOMNESS,
        limit=Limit(0.1, 10.0),
        rare=True,
        control="box",
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
        rare=True,
        control=Slider(highest=1.0),
        word="off",
    )
    top_n_sigma: float = setting(
        0.0,
        title="Top-nσ",
        help="Keeps the tokens whose logits lie within this many standard deviations of the highest; the same set at "
        "any temperature (Tang et al. 2024). 1 is usual.",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 100.0),
        rare=True,
        control=Slider(highest=5.0),
        word="off",
    )
    xtc_probability: float = setting(
        0.0,
        title="XTC probability",
        help="Probability with which the most likely tokens are excluded: of all that reach the XTC threshold only the "
        "least likely stays (p-e-w 2024). 0.5 is usual.",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 1.0),
        rare=True,
        control=Slider(highest=1.0),
        word="off",
    )
    xtc_threshold: float = setting(
        0.1,
        title="XTC threshold",
        help="Probability from which XTC counts a token among the most likely. Above 0.5 nothing is excluded.",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 1.0),
        rare=True,
        control="box",
    )
    mirostat_tau: float = setting(
        0.0,
        title="Mirostat target",
        help="Keeps the average surprise of the tokens near this many bits by an upper limit on each (Mirostat 2.0, "
        "Basu et al. 2021). Use it without other cut-offs; 3 to 6 is usual.",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 20.0),
        rare=True,
        control=Slider(highest=10.0),
        word="off",
    )
    mirostat_eta: float = setting(
        0.1,
        title="Mirostat rate",
        help="How fast Mirostat's limit follows the surprise of the tokens.",
        group=Group.CUTOFFS,
        limit=Limit(0.0, 1.0),
        rare=True,
        control="box",
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
        rare=True,
        control=Slider(highest=10),
        word="off",
    )
    dry_multiplier: float = setting(
        0.0,
        title="DRY multiplier",
        help="Lowers the logit of each token that would continue a sequence which the text already contains, by this "
        "value × DRY base ^ (length of the sequence - DRY length) (p-e-w 2024). 0.8 is usual.",
        group=Group.REPETITION,
        limit=Limit(0.0, 5.0),
        rare=True,
        control=Slider(highest=2.0),
        word="off",
    )
    dry_base: float = setting(
        1.75,
        title="DRY base",
        help="How fast the DRY penalty grows with each token of the repeated sequence.",
        group=Group.REPETITION,
        limit=Limit(1.0, 4.0),
        rare=True,
        control="box",
    )
    dry_allowed_length: int = setting(
        2,
        title="DRY length",
        help="Shortest repeated sequence that DRY penalizes, in tokens.",
        group=Group.REPETITION,
        limit=Limit(1, 50, whole=True),
        rare=True,
        control="box",
    )
    dry_breakers: tuple[str, ...] = setting(
        ("\n", ":", '"', "*"),
        title="DRY breakers",
        help="Strings that end a repeated sequence for DRY.",
        group=Group.REPETITION,
        check=checks.breakers,
        rare=True,
        metavar="TEXT",
        flags=("--dry-breaker",),
    )
    logit_bias: Mapping[int, float] = setting(
        default_factory=dict,
        hash=False,
        title="Logit bias",
        help="Adds BIAS, -100 to 100, to the logit of the token with this ID; -100 bans it.",
        group=Group.OTHER,
        check=checks.logit_bias,
        metavar="ID=BIAS",
    )
    logit_bias_tokenizer: str = setting(
        "",
        title="Tokenizer of logit bias",
        help="SHA-256 of the tokenizer whose ids logit bias has, as JSON exports name it; for a model with another one "
        "the biases do not count. Not given: they count for any model.",
        group=Group.OTHER,
        check=checks.sha256,
        rare=True,
        metavar="SHA256",
    )
