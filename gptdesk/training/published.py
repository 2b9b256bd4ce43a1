"""Published validation losses, for comparison with a run's."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.evaluation.published import published


@dataclass(frozen=True)
class PublishedLoss:
    """A validation loss of OpenAI's GPT-2.

    Attributes:
        model: by its number of weights.
        loss: in nats a token.
        source: where it was published, and on what text it was measured.
    """

    model: str
    loss: float
    source: str


def published_losses() -> tuple[PublishedLoss, ...]:
    """The losses of the four models, the largest loss first."""
    rows = [(row.model, row.metrics["loss"], f"{row.source}, {row.remark}") for row in published("validation")]
    return tuple(sorted((PublishedLoss(*row) for row in rows), key=lambda row: -row.loss))
