"""What a person should be told about a run without having asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alert:
    """Something that went wrong, or is about to.

    Attributes:
        kind: "nonfinite", "spike", "overfitting", "slow" or "disk".
        step: the logged step that showed it.
        t: when, in seconds since the epoch.
        title: a few words.
        explanation: what it means and what to do, in one or two sentences.
    """

    kind: str
    step: int
    t: float
    title: str
    explanation: str
