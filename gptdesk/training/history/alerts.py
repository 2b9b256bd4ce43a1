"""Alerts about a run, and the rules that raise them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.number_format import size
from gptdesk.training.history.series import Floats

WINDOW: Final = 128
"""Logged steps that the newest one is compared with, as in llm.c; an alert is not repeated within as many."""

SPIKE_SCORE: Final = 6.0
"""Standard deviations above the mean of the window; normal noise exceeds it once in a billion steps."""

_LEAST_SPREAD: Final = 1e-3
"""Least standard deviation as a share of the mean, so that a nearly constant loss raises no alerts."""

_LARGEST_LOSS: Final = 1e100
"""Losses are clipped to it; sums of larger squares overflow."""

SLOW_SHARE: Final = 0.8
"""Share of the median speed below which a step is slow."""

SLOW_STEPS: Final = 8
"""Slow steps in a row that raise an alert; a single one may have waited for a checkpoint or another program."""

RISES: Final = 3
"""Evaluations in a row, each worse than the one before, that raise an alert; one may be chance."""

CHECKPOINTS_TO_SPARE: Final = 2
"""Checkpoints for which there should be space: the next one is written before an old one is deleted."""

_STRIDE: Final = 64
"""Logged steps between two computations of the median speed; one at each step would take seconds for a long run."""


@dataclass(frozen=True)
class Alert:
    """Something in a run that needs attention.

    Attributes:
        kind: "nonfinite", "spike", "overfitting", "slow" or "disk".
        step: the logged step that raised it.
        t: when, in seconds since the epoch.
        title: a few words.
        explanation: what it means and what to do, in one or two sentences.
    """

    kind: str
    step: int
    t: float
    title: str
    explanation: str


class AlertDetector:
    """Checks what a run records and raises alerts; none is repeated while its reason lasts."""

    def __init__(self) -> None:
        self._disk_short = False
        self._evaluations: list[tuple[float, float, float]] = []  # step, validation, training
        self._overfitting = False
        self.reset()

    def reset(self, step: float = 0.0, best: float = np.inf) -> None:
        """Discards the statistics: the run resumes from an earlier step, perhaps with other settings or elsewhere.

        Args:
            step: evaluations until then still count.
            best: the lowest of their validation losses.
        """
        counting = [evaluation for evaluation in self._evaluations if evaluation[0] <= step]
        self._overfitting = self._overfitting and len(counting) == len(self._evaluations)
        self._evaluations = counting
        self._best = best
        self._not_finite = False
        self._spikes = _Spikes()
        self._slowness = _Slowness()
        self._validation_lost = False

    def steps(self, step: Floats, t: Floats, loss: Floats, speed: Floats) -> list[Alert]:
        """Alerts about further logged steps: (n,) each, ``speed`` in tokens per second."""
        found = [_about_divergence(step[i], t[i], "training loss") for i in self._losses_lost(loss)]
        found += [_about_spike(step[i], t[i], loss[i], mean, spread) for i, mean, spread in self._spikes.find(loss)]
        found += [_about_speed(step[i], t[i], speed[i], usual) for i, usual in self._slowness.find(speed)]
        return sorted(found, key=lambda alert: alert.step)

    def _losses_lost(self, loss: Floats) -> npt.NDArray[np.intp]:
        """Indices where losses stop being finite."""
        lost = ~np.isfinite(loss)
        begins = np.flatnonzero(lost & ~np.concatenate([[self._not_finite], lost[:-1]]))
        if len(lost):
            self._not_finite = bool(lost[-1])
        return begins

    def evaluation(self, step: float, t: float, validation: float, training: float) -> list[Alert]:
        """An alert that the model overfits, or that the loss is not finite.

        Args:
            validation: the loss of this evaluation.
            training: the mean of the training losses logged since the last evaluation; NaN if there are none.
        """
        lost, self._validation_lost = self._validation_lost, not np.isfinite(validation)
        if self._validation_lost:
            return [] if lost else self.diverged(step, t)
        if validation < self._best:
            self._best, self._overfitting = validation, False
        self._evaluations = [*self._evaluations[-RISES:], (step, validation, training)]
        _, losses, trainings = zip(*self._evaluations, strict=True)
        rising = len(losses) > RISES and all(losses[i] < losses[i + 1] for i in range(RISES))
        if not rising or not trainings[-1] < trainings[0] or self._overfitting:
            return []
        self._overfitting = True
        return [_about_overfitting(step, t, validation, self._best)]

    def diverged(self, step: float, t: float, reason: str = "") -> list[Alert]:
        """An alert that a loss is not finite, as the trainer says, unless the logged losses have raised it already."""
        if self._not_finite:
            return []
        self._not_finite = True
        return [_about_divergence(step, t, "validation loss", reason)]

    def disk(self, step: float, t: float, free: int, checkpoint_bytes: int) -> list[Alert]:
        """An alert that the disk has no space for further checkpoints; sizes in bytes."""
        short = free < CHECKPOINTS_TO_SPARE * checkpoint_bytes
        found = [_about_disk(step, t, free, checkpoint_bytes)] if short and not self._disk_short else []
        self._disk_short = short
        return found

    def checkpoint_failed(self, step: float, t: float, reason: str) -> list[Alert]:
        """An alert that the trainer could not write a checkpoint."""
        self._disk_short = True
        advice = "The run is paused. Free some space on the disk, then resume it."
        return [Alert("disk", int(step), t, "Checkpoint not written", f"{reason.rstrip('.')}. {advice}")]


class _Spikes:
    """Finds losses far above the mean of the window that they end, as llm.c's outlier detector does."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(0)  # the last ones
        self._seen = 0
        self._quiet_until = 0

    def find(self, loss: Floats) -> Iterator[tuple[int, float, float]]:
        """Indices of spikes in (n,) losses, with mean and standard deviation of the window."""
        places = np.flatnonzero(np.isfinite(loss))
        seen, self._seen = self._seen, self._seen + len(places)
        first = seen - len(self._values)
        values = np.concatenate([self._values, np.clip(loss[places], -_LARGEST_LOSS, _LARGEST_LOSS)])
        self._values = values[-(WINDOW - 1) :]
        if len(values) < WINDOW:
            return
        mean = _window_sums(values) / WINDOW
        spread = np.sqrt(np.maximum(_window_sums(values**2) / WINDOW - mean**2, 0))
        spread = np.maximum(spread, _LEAST_SPREAD * np.abs(mean))
        for i in np.flatnonzero(values[WINDOW - 1 :] - mean > SPIKE_SCORE * spread):
            number = first + WINDOW - 1 + int(i)
            if number >= self._quiet_until:
                self._quiet_until = number + WINDOW
                yield int(places[number - seen]), float(mean[i]), float(spread[i])


class _Slowness:
    """Finds where steps become much slower than before."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(0)  # the newest ones, from a multiple of the stride on
        self._first = 0  # how many came before them
        self._quiet_until = 0

    def find(self, speed: Floats) -> Iterator[tuple[int, float]]:
        """Indices in (n,) speeds of the last of `SLOW_STEPS` slow steps in a row, with the median speed before them."""
        places = np.flatnonzero(np.isfinite(speed))
        seen = self._first + len(self._values)
        values, first = np.concatenate([self._values, speed[places]]), self._first
        end = first + len(values)
        kept = max(0, end - SLOW_STEPS) // _STRIDE * _STRIDE - WINDOW
        if kept > first:
            self._values, self._first = values[kept - first :].copy(), kept
        else:
            self._values = values
        if len(values) <= WINDOW:
            return
        windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[::_STRIDE]
        medians = np.median(windows, axis=1)  # of the window before each stride
        usual = np.repeat(medians, _STRIDE)[: len(values) - WINDOW]
        slow = values[WINDOW:] < SLOW_SHARE * usual
        if len(slow) < SLOW_STEPS:
            return
        lasting = np.lib.stride_tricks.sliding_window_view(slow, SLOW_STEPS).all(axis=1)
        for i in np.flatnonzero(lasting) + SLOW_STEPS - 1:
            number = first + WINDOW + int(i)
            if number >= max(seen, self._quiet_until):
                self._quiet_until = number + WINDOW
                yield int(places[number - seen]), float(usual[i])


def _window_sums(values: Floats) -> Floats:
    """Sums over each window of `WINDOW` values: (n,) to (n - WINDOW + 1,).

    Each is the sum of the end of one block and the beginning of the next. A difference of running sums would lose
    precision after one huge value.
    """
    padded = np.zeros(-(-len(values) // WINDOW) * WINDOW)
    padded[: len(values)] = values
    blocks = padded.reshape(-1, WINDOW)
    beginnings = np.cumsum(blocks, axis=1).ravel()
    endings = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    sums = endings[: len(values) - WINDOW + 1].copy()
    sums += beginnings[WINDOW - 1 : len(values)]
    sums[::WINDOW] = endings[: len(sums) : WINDOW]  # the window is exactly one block
    return sums


def _about_divergence(step: float, t: float, what: str, reason: str = "") -> Alert:
    explanation = reason or (
        f"The {what} is not finite since step {int(step):,}: the training has diverged. Resume from an earlier "
        "checkpoint with a lower learning rate, and check the data of these steps."
    )
    return Alert("nonfinite", int(step), t, "Loss not finite", explanation)


def _about_overfitting(step: float, t: float, validation: float, best: float) -> Alert:
    return Alert(
        "overfitting",
        int(step),
        t,
        "Overfitting",
        f"The validation loss rose {RISES} times in a row, to {validation:.3f} nats per token, while the training "
        f"loss fell: the model memorizes the training text. Stop and use the checkpoint with {best:.3f}, or train on "
        "more text.",
    )


def _about_spike(step: float, t: float, loss: float, mean: float, spread: float) -> Alert:
    return Alert(
        "spike",
        int(step),
        t,
        "Loss spike",
        f"The loss rose to {loss:.3f} nats per token at step {int(step):,}; the mean of the last {WINDOW} logged steps "
        f"was {mean:.3f}, their standard deviation {spread:.3f}. A single spike usually recovers; "
        "after several, lower the learning rate or check the data.",
    )


def _about_speed(step: float, t: float, speed: float, usual: float) -> Alert:
    return Alert(
        "slow",
        int(step),
        t,
        "Training has slowed down",
        f"The last {SLOW_STEPS} logged steps ran at about {speed:,.0f} tokens per second; the median before was "
        f"{usual:,.0f}. Another program may use this computer, or it throttles because it is hot.",
    )


def _about_disk(step: float, t: float, free: int, checkpoint_bytes: int) -> Alert:
    return Alert(
        "disk",
        int(step),
        t,
        "The disk is nearly full",
        f"{size(free)} are free and a checkpoint takes {size(checkpoint_bytes)}; there should be space "
        f"for {CHECKPOINTS_TO_SPARE}. Free some space, or the run pauses at the next checkpoint.",
    )
