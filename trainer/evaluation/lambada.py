"""LAMBADA: predict the last word of a passage, which takes the whole passage and not only its last sentence.

Paperno et al. 2016, https://arxiv.org/abs/1606.06031. Two protocols, because published figures mix them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from trainer.evaluation.scoring import BATCH_TOKENS, Progress, Row, Scores, first_token, score_rows
from trainer.evaluation.sources import Source


@dataclass(frozen=True)
class Lambada:
    """Figures over all passages.

    Attributes:
        accuracy: share of passages whose target was the likeliest: every token of it, each given the ones before.
        perplexity: exp of the mean over passages of the target's -ln p (summed over its tokens).
    """

    accuracy: float
    perplexity: float

    @classmethod
    def of(cls, scores: Sequence[tuple[float, bool]]) -> Lambada:
        """From each target's -ln p and whether it was the likeliest."""
        mean = math.fsum(loss for loss, _ in scores) / len(scores)
        return cls(sum(hit for _, hit in scores) / len(scores), math.exp(mean) if mean < 709 else math.inf)


def passages(source: Source) -> list[str]:
    """The texts of a file in the published format, one JSON object with ``text`` a line.

    Raises:
        UserError: for another format, or a passage of one word.
    """
    texts = []
    for number, item in enumerate(source.items, 1):
        text = item.get("text")
        if not isinstance(text, str) or len(text.split(" ")) < 2:
            raise UserError(
                f'{source.name}, item {number}: there is no "text" of two words or more; this is no LAMBADA file.'
            )
        texts.append(text)
    return texts


def lambada(
    model: GPT2,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress = lambda done, total: None,
) -> tuple[Lambada, Lambada]:
    """By last token and by last word; both come from one pass, as the passage's tokens are the same.

    Last token: the passage's last token given all before it, as OpenAI measured it
    (https://github.com/openai/gpt-2/issues/131). Last word: all tokens of what follows the last space, and that space,
    as in lm-evaluation-harness's ``lambada_openai``. Passages longer than the context lose their beginning.
    """
    rows = []
    for text in texts:
        context, _, word = text.rpartition(" ")
        target = tokenizer.encode(f" {word}")
        rows.append(
            Row.fitting(
                [*(tokenizer.encode(context) or first_token(tokenizer)), *target], len(target), model.config.n_positions
            )
        )
    scores = score_rows(model, rows, vocab_size=tokenizer.vocab_size, batch_tokens=batch_tokens, progress=progress)
    return Lambada.of([_last_token(score) for score in scores]), Lambada.of([_last_word(score) for score in scores])


def _last_token(score: Scores) -> tuple[float, bool]:
    return float(score.losses[-1]), bool(score.hits[-1])


def _last_word(score: Scores) -> tuple[float, bool]:
    return float(score.losses.sum(dtype="float64")), bool(score.hits.all())
