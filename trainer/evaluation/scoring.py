"""Cross-entropies of chosen tokens of many texts, in batches of about equal work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gptdesk.devices import is_out_of_memory
from gptdesk.errors import UserError
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.scoring.losses import losses_and_hits
from trainer.data.windows import IGNORED

BATCH_TOKENS: Final = 4096
"""Default number of tokens per batch: enough to keep a processor busy."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how much is done and how much there is; what it raises ends the work."""


@dataclass(frozen=True)
class Row:
    """A text of which the last tokens are scored, each given all before it.

    Attributes:
        ids: (n) token ids, n at most the model's context length and one.
        scored: how many at the end, 1 to n - 1.
    """

    ids: npt.NDArray[np.int32]
    scored: int

    @classmethod
    def fitting(cls, ids: Sequence[int], scored: int, context: int) -> Row:
        """The row without those tokens at its beginning that do not fit, scored ones among them only if it must be.

        Args:
            context: most tokens before a scored one.
        """
        kept = np.asarray(ids[-(context + 1) :], dtype=np.int32)
        return cls(kept, min(scored, len(kept) - 1))


@dataclass(frozen=True)
class Scores:
    """Of one row.

    Attributes:
        losses: (scored) float32, -log p of each scored token, in nats.
        hits: (scored) bool, whether the token was the likeliest.
    """

    losses: npt.NDArray[np.float32]
    hits: npt.NDArray[np.bool_]


def first_token(tokenizer: Tokenizer) -> list[int]:
    """What stands before a text so that its first token is scored too: the token that begins or ends a text.

    Raises:
        UserError: when the tokenizer has none.
    """
    first = tokenizer.start_of_text if tokenizer.start_of_text is not None else tokenizer.end_of_text
    if first is None:
        raise UserError(
            f"{tokenizer.name} names no token that begins or ends a text, so its first token cannot be scored: name "
            "one as eos_token_id in the model's generation_config.json."
        )
    return [first]


def score_rows(
    model: GPT2,
    rows: Sequence[Row],
    *,
    vocab_size: int = VOCAB_SIZE,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress = lambda done, total: None,
) -> list[Scores]:
    """Scores every row; rows of like length go through the network together.

    Rows padded at their end give the same numbers as alone, because no token sees what comes after it.

    Args:
        model: in evaluation mode.
        vocab_size: tokens of its tokenizer; ids beyond only pad the model's vocabulary.
        batch_tokens: most tokens of a batch, padding included.

    Raises:
        UserError: for tokens that the model does not know, full memory, or a model whose logits are not numbers.
    """
    assert all(1 <= row.scored < len(row.ids) <= model.config.n_positions + 1 for row in rows)
    scores: dict[int, Scores] = {}
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i].ids))  # the largest first: memory fails soon or never
    first = 0
    while first < len(order):
        size = max(1, batch_tokens // (len(rows[order[first]].ids) - 1))
        batch = order[first : first + size]
        for i, score in zip(batch, _score_batch(model, [rows[i] for i in batch], vocab_size), strict=True):
            scores[i] = score
        first += size
        progress(len(scores), len(rows))
    return [scores[i] for i in range(len(rows))]


def _score_batch(model: GPT2, rows: list[Row], vocab_size: int) -> list[Scores]:
    T = len(rows[0].ids) - 1
    inputs = torch.zeros(len(rows), T, dtype=torch.int64)
    targets = torch.full((len(rows), T), IGNORED)
    for i, row in enumerate(rows):
        n = len(row.ids) - 1
        inputs[i, :n] = torch.from_numpy(row.ids[:-1].astype(np.int64))
        targets[i, n - row.scored : n] = torch.from_numpy(row.ids[-row.scored :].astype(np.int64))
    losses, hits = target_losses(model, inputs, targets, vocab_size=vocab_size)
    counts = [row.scored for row in rows]
    pairs = zip(losses.split(counts), hits.split(counts), strict=True)
    return [Scores(loss.numpy(), hit.numpy()) for loss, hit in pairs]


@torch.no_grad()
def target_losses(
    model: GPT2, inputs: Tensor, targets: Tensor, *, vocab_size: int = VOCAB_SIZE
) -> tuple[Tensor, Tensor]:
    """Losses in nats of those of ``targets`` that are not -100, (n) float32, and whether each was likeliest, (n) bool.

    The head, most of a small model's work and memory, is computed at those positions alone and a part at a time. Ids
    that only pad the model's vocabulary get no probability.

    Args:
        inputs, targets: (B, T) int64, on any device.
        vocab_size: tokens of the model's tokenizer.

    Raises:
        UserError: for tokens that the model does not know, full memory, or a model whose logits are not numbers.
    """
    device, vocab = model.wte.weight.device, min(vocab_size, model.config.vocab_size)
    if (largest := max(int(inputs.max()), int(targets.max()))) >= vocab:
        raise UserError(f"The text has the token {largest:,}, but the model knows only 0 to {vocab - 1:,}.")
    try:
        hidden = model.hidden_states(inputs.to(device))  # (B, T, C)
        counted = (targets != IGNORED).to(device)
        losses, hits = losses_and_hits(model, hidden[counted], targets.to(device)[counted], vocab)  # (n) each
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError("There is not enough memory for this batch: give a smaller --batch-tokens.") from error
    if not bool(losses.isfinite().all()):
        raise UserError("The model computes values that are not numbers (NaN or infinity), so it cannot be evaluated.")
    return losses, hits
