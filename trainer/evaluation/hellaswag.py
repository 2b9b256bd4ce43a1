"""HellaSwag: choose which of four endings continues a description of everyday life.

Zellers et al. 2019, https://arxiv.org/abs/1905.07830. Two protocols, because published figures mix them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from trainer.evaluation.scoring import BATCH_TOKENS, Progress, Row, first_token, score_rows
from trainer.evaluation.sources import Source


@dataclass(frozen=True)
class Item:
    """A question.

    Attributes:
        context: what is to be gone on from.
        endings: the four continuations, without the space before them.
        label: index of the right one.
    """

    context: str
    endings: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class Protocol:
    """How questions become texts and losses become answers.

    Attributes:
        description: for people.
        read: makes a question of an object of the published file.
        length: what an ending's loss is divided by for ``acc_norm``, given the ending and its number of tokens.
    """

    description: str
    read: Callable[[Mapping[str, Any]], Item]
    length: Callable[[str, int], int]


@dataclass(frozen=True)
class HellaSwag:
    """Shares of questions answered rightly.

    Attributes:
        acc: by the lowest summed loss of an ending.
        acc_norm: by the lowest summed loss divided by the protocol's length.
    """

    acc: float
    acc_norm: float


def _as_published(item: Mapping[str, Any]) -> Item:
    return Item(item["ctx"], tuple(item["endings"]), int(item["label"]))


def _as_lm_eval(item: Mapping[str, Any]) -> Item:
    """https://github.com/EleutherAI/lm-evaluation-harness/blob/main/lm_eval/tasks/hellaswag/utils.py."""
    context = f"{item['activity_label']}: {item['ctx_a']} {item['ctx_b'].capitalize()}"
    return Item(_clean(context), tuple(_clean(ending) for ending in item["endings"]), int(item["label"]))


def _clean(text: str) -> str:
    """Takes out what WikiHow's pages left in the text."""
    text = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return text.replace("  ", " ")


PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "build-nanogpt": Protocol(
        "completion style as in build-nanogpt and llm.c: the context as published, a space, the ending; "
        "acc by summed loss, acc_norm by mean loss a token",
        _as_published,
        lambda ending, tokens: tokens,
    ),
    "lm-eval": Protocol(
        "as in lm-evaluation-harness, 0-shot: activity label before the context, WikiHow's marks removed; "
        "acc by summed loss, acc_norm by loss a character of the ending",
        _as_lm_eval,
        lambda ending, tokens: len(ending),
    ),
}


def questions(source: Source, protocol: Protocol) -> list[Item]:
    """The questions of a file in the published format: objects with ``ctx``, ``endings``, ``label`` and so on.

    Raises:
        UserError: for another format, the unlabelled test split among them.
    """
    items = []
    for number, raw in enumerate(source.items, 1):
        try:
            item = protocol.read(raw)
            if not isinstance(item.context, str) or not all(isinstance(ending, str) for ending in item.endings):
                raise TypeError
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UserError(
                f"{source.name}, item {number}: this is no question of HellaSwag with its answer."
            ) from None
        if len(item.endings) < 2 or not all(item.endings) or not 0 <= item.label < len(item.endings):
            raise UserError(f"{source.name}, item {number}: the label {item.label} names none of its endings.")
        items.append(item)
    return items


def hellaswag(
    model: GPT2,
    tokenizer: Tokenizer,
    items: Sequence[Item],
    protocol: Protocol,
    *,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress = lambda done, total: None,
) -> HellaSwag:
    """Scores every ending after its context; contexts that do not fit lose their beginning."""
    rows, lengths = [], []
    for item in items:
        context = tokenizer.encode(item.context) or first_token(tokenizer)
        for ending in item.endings:
            ids = tokenizer.encode(f" {ending}")
            rows.append(Row.fitting([*context, *ids], len(ids), model.config.n_positions))
            lengths.append(protocol.length(ending, len(ids)))
    scores = score_rows(model, rows, vocab_size=tokenizer.vocab_size, batch_tokens=batch_tokens, progress=progress)
    losses = [float(score.losses.sum(dtype=np.float64)) for score in scores]
    right = right_norm = first = 0
    for item in items:
        last = first + len(item.endings)
        sums = np.array(losses[first:last])
        right += int(sums.argmin()) == item.label
        right_norm += int((sums / lengths[first:last]).argmin()) == item.label
        first = last
    return HellaSwag(right / len(items), right_norm / len(items))
