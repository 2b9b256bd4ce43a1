"""Published results of OpenAI's GPT-2, each with its protocol and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PAPER = "Radford et al. 2019, table 3"
_NANOGPT = "nanoGPT, README"
_HARNESS = "lm-evaluation-harness"
_BUILD_NANOGPT = "build-nanogpt, hellaswag.py"
_LLM_C = "llm.c, dev/vislog.ipynb"


@dataclass(frozen=True)
class Published:
    """A row for a table of results.

    Attributes:
        task: the result that it stands beside.
        model: OpenAI's, named by its number of weights.
        metrics: by the names that our results use.
        source: where it was published.
        remark: what makes it differ from ours, where something does.
    """

    task: str
    model: str
    metrics: Mapping[str, float]
    source: str
    remark: str = ""


_OWT = "on OpenWebText"
_DETOKENIZED = "OpenAI's own detokenizer; protocol not published in full"
_WIKITEXT = "test set of WikiText, detokenized; the paper's column {}, which re-runs meet {} (transformers issue 13761)"
_MODELS = ("GPT-2 124M", "GPT-2 355M", "GPT-2 774M", "GPT-2 1558M")


def _row_of_sizes(task: str, metric: str, values: tuple[float, ...], source: str, remark: str = "") -> list[Published]:
    return [
        Published(task, model, {metric: value}, source, remark) for model, value in zip(_MODELS, values, strict=True)
    ]


PUBLISHED: Final[tuple[Published, ...]] = (
    *_row_of_sizes("validation", "loss", (3.12, 2.84, 2.67, 2.54), _NANOGPT, _OWT),
    *_row_of_sizes(
        "perplexity", "per_token", (29.41, 22.76, 19.93, 18.34), _PAPER, _WIKITEXT.format("WikiText2", "per token")
    ),
    *_row_of_sizes(
        "perplexity", "per_word", (37.50, 26.37, 22.05, 17.48), _PAPER, _WIKITEXT.format("WikiText103", "per word")
    ),
    *(
        Published("lambada/last_token", model, {"accuracy": accuracy, "perplexity": perplexity}, _PAPER, _DETOKENIZED)
        for model, accuracy, perplexity in zip(
            _MODELS, (0.4599, 0.5548, 0.6012, 0.6324), (35.13, 15.60, 10.87, 8.63), strict=True
        )
    ),
    Published("lambada/last_token", "GPT-2 124M", {"accuracy": 0.4667}, "transformers issue 13761"),
    Published("lambada/last_word", "GPT-2 124M", {"accuracy": 0.3256, "perplexity": 40.055}, f"{_HARNESS} issue 2159"),
    Published("lambada/last_word", "GPT-2 1558M", {"perplexity": 10.63}, f"{_HARNESS} issue 911"),
    Published("hellaswag/build-nanogpt", "GPT-2 124M", {"acc": 0.2859, "acc_norm": 0.2955}, _BUILD_NANOGPT),
    Published("hellaswag/build-nanogpt", "GPT-2 1558M", {"acc": 0.3842, "acc_norm": 0.4893}, _BUILD_NANOGPT),
    *_row_of_sizes("hellaswag/build-nanogpt", "acc_norm", (0.294463, 0.375224, 0.431986, 0.488946), _LLM_C),
    Published(
        "hellaswag/lm-eval", "GPT-2 124M", {"acc": 0.2892, "acc_norm": 0.3114}, f"{_HARNESS}, by {_BUILD_NANOGPT}"
    ),
    Published(
        "hellaswag/lm-eval", "GPT-2 1558M", {"acc": 0.4004, "acc_norm": 0.5089}, f"{_HARNESS}, by {_BUILD_NANOGPT}"
    ),
)


def published(task: str) -> list[Published]:
    """The rows that stand beside a result of ``task``."""
    return [row for row in PUBLISHED if row.task == task]
