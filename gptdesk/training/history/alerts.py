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
"""Logged steps that the newest one is compared with, as in llm.c. The same is not said again within as many."""

SPIKE_SCORE: Final = 6.0
"""Standard deviations above the mean of the window: normal noise gets there once in a thousand million steps."""

_LEAST_SPREAD: Final = 1e-3
"""Share of the mean: a loss that hardly moves would make a spike of every flutter."""

_LARGEST_LOSS: Final = 1e100
"""Squares of larger ones could not be added up."""

SLOW_SHARE: Final = 0.8
"""Share of the median speed below which a step is slow: a drop that is worth a look."""

SLOW_STEPS: Final = 8
"""So many slow ones in a row: a single one has waited for an evaluation, a checkpoint or another program."""

RISES: Final = 3
"""Evaluations in a row that were worse than the one before: one may be chance."""

CHECKPOINTS_TO_SPARE: Final = 2
"""The next checkpoint is written beside the last one before anything is removed."""

_STRIDE: Final = 64
"""Logged steps after which the median speed is worked out again; at each it would take seconds for a long run."""


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


class Watch:
    """Looks at what a run records and raises alerts; none is repeated while what it says lasts."""

    def __init__(self) -> None:
        self._disk_short = False
        self._evaluations: list[tuple[float, float, float]] = []  # step, validation, training
        self._overfitting = False
        self.begin_again()

    def begin_again(self, step: float = 0.0, best: float = np.inf) -> None:
        """Forgets what was usual: the run resumes from an earlier step, perhaps with other settings or elsewhere.

        Args:
            step: what was evaluated until then still counts.
            best: the lowest of these validation losses.
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
        """Alerts about logged steps that follow those seen before: (n,) each, ``speed`` in tokens a second."""
        found = [_about_divergence(step[i], t[i], "training loss") for i in self._losses_lost(loss)]
        found += [_about_spike(step[i], t[i], loss[i], mean, spread) for i, mean, spread in self._spikes.find(loss)]
        found += [_about_speed(step[i], t[i], speed[i], usual) for i, usual in self._slowness.find(speed)]
        return sorted(found, key=lambda alert: alert.step)

    def _losses_lost(self, loss: Floats) -> npt.NDArray[np.intp]:
        """Where losses begin to be no numbers."""
        lost = ~np.isfinite(loss)
        begins = np.flatnonzero(lost & ~np.concatenate([[self._not_finite], lost[:-1]]))
        if len(lost):
            self._not_finite = bool(lost[-1])
        return begins

    def evaluation(self, step: float, t: float, validation: float, training: float) -> list[Alert]:
        """An alert that the model learns by heart, or has stopped learning.

        Args:
            validation: the loss of this evaluation.
            training: the mean of the training losses logged since the one before; NaN when there are none.
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
        """An alert about an evaluation or a message of the trainer, unless the losses have raised it already."""
        if self._not_finite:
            return []
        self._not_finite = True
        return [_about_divergence(step, t, "validation loss", reason)]

    def disk(self, step: float, t: float, free: int, checkpoint_bytes: int) -> list[Alert]:
        """An alert that there will be no room for checkpoints; sizes in bytes."""
        short = free < CHECKPOINTS_TO_SPARE * checkpoint_bytes
        found = [_about_disk(step, t, free, checkpoint_bytes)] if short and not self._disk_short else []
        self._disk_short = short
        return found

    def checkpoint_failed(self, step: float, t: float, reason: str) -> list[Alert]:
        """An alert that a checkpoint could not be written, as the trainer says."""
        self._disk_short = True
        advice = "The run is paused until there is room: free some space, then resume it."
        return [Alert("disk", int(step), t, "Checkpoint not written", f"{reason.rstrip('.')}. {advice}")]


class _Spikes:
    """Finds losses far above the last ones; each is compared with the window that it ends, as llm.c's detector does."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(0)  # the last ones
        self._seen = 0
        self._quiet_until = 0

    def find(self, loss: Floats) -> Iterator[tuple[int, float, float]]:
        """Places of spikes in (n,) losses, with mean and standard deviation of the window."""
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
    """Finds where steps begin to take much longer than they used to."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(0)  # the last ones, from a multiple of the stride on
        self._first = 0  # how many came before them
        self._quiet_until = 0

    def find(self, speed: Floats) -> Iterator[tuple[int, float]]:
        """Places in (n,) speeds where a slow stretch has lasted so long, with the median speed before."""
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
    """Sums of every `WINDOW` values in a row: (n,) to (n - WINDOW + 1,).

    Each is the sum of the end of one block and the beginning of the next. Nothing is subtracted, as in a difference of
    running sums, where one huge value would spoil all that follow.
    """
    padded = np.zeros(-(-len(values) // WINDOW) * WINDOW)
    padded[: len(values)] = values
    blocks = padded.reshape(-1, WINDOW)
    beginnings = np.cumsum(blocks, axis=1).ravel()
    endings = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    sums = endings[: len(values) - WINDOW + 1].copy()
    sums += beginnings[WINDOW - 1 : len(values)]
    sums[::WINDOW] = endings[: len(sums) : WINDOW]  # a whole block is both its end and its beginning
    return sums


def _about_divergence(step: float, t: float, what: str, reason: str = "") -> Alert:
    explanation = reason or (
        f"The {what} stopped being a finite number at step {int(step):,}: the training has diverged. Go on from an "
        "earlier checkpoint with a lower learning rate, and look at the data there."
    )
    return Alert("nonfinite", int(step), t, "No longer a number", explanation)


def _about_overfitting(step: float, t: float, validation: float, best: float) -> Alert:
    return Alert(
        "overfitting",
        int(step),
        t,
        "Overfitting",
        f"The validation loss rose {RISES} times in a row, to {validation:.3f}, while the training loss fell: the "
        f"model learns its texts by heart. Stop and use the checkpoint with {best:.3f}, or train on more text.",
    )


def _about_spike(step: float, t: float, loss: float, mean: float, spread: float) -> Alert:
    return Alert(
        "spike",
        int(step),
        t,
        "Loss spike",
        f"The loss jumped to {loss:.3f} at step {int(step):,}; the last {WINDOW} logged ones were about {mean:.3f}, "
        f"give or take {spread:.3f}. One spike usually heals; if more come, lower the learning rate or check the data.",
    )


def _about_speed(step: float, t: float, speed: float, usual: float) -> Alert:
    return Alert(
        "slow",
        int(step),
        t,
        "Training has slowed down",
        f"The last {SLOW_STEPS} logged steps ran at {speed:,.0f} tokens a second or about that, where {usual:,.0f} was "
        "usual. Perhaps another program uses this computer, or it has become too hot.",
    )


def _about_disk(step: float, t: float, free: int, checkpoint_bytes: int) -> Alert:
    return Alert(
        "disk",
        int(step),
        t,
        "The disk is nearly full",
        f"{size(free)} are free and a checkpoint takes {size(checkpoint_bytes)}; there should be room "
        f"for {CHECKPOINTS_TO_SPARE}. Free some space, or the run will hold at the next checkpoint.",
    )
