"""The history of a run: metrics, evaluations, marks and alerts, updated as events are written."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from gptdesk.bounded_read import LARGEST_WHOLE, number
from gptdesk.loss_units import VALIDATION_LOSS, evaluation_keys
from gptdesk.metrics import AXES, contained
from gptdesk.training.history.alerts import Alert, AlertDetector
from gptdesk.training.history.event_clock import END_OF_TIME, EventClock
from gptdesk.training.history.event_lines import VALUES, Lines, load_event, parse
from gptdesk.training.history.series import Floats, Series, Table
from gptdesk.training.history.step_log import StepLog
from trainer.run_directory.layout import EVENTS
from trainer.run_directory.tail import LineTail

ANSWERS: Final = 200
"""Number of newest answers to requests that are kept."""

RECENT: Final = 2_000
"""Number of newest events other than steps that are kept."""

_CHECKED_AT_ONCE: Final = 1 << 16
"""Logged steps checked for alerts at a time; more would not stay in the processor's cache."""

_STEP: Final = VALUES.index("step")
_T: Final = VALUES.index("t")


@dataclass(frozen=True)
class Mark:
    """An event that is marked on the x axis.

    Attributes:
        kind: "checkpoint", "resume", "pause", "nonfinite", "alert", "early_stop" or "crash".
        step: of the optimizer.
        tokens: trained until then.
        time: seconds since the first event of the run.
        t: seconds since the epoch.
        text: one sentence, or a few words.
    """

    kind: str
    step: int
    tokens: float
    time: float
    t: float
    text: str


class RunHistory:
    """Contents of a run's ``events.jsonl``, read incrementally. One thread may update it while others read.

    What it returns never changes; an update replaces it. A file that was cut or replaced is read again from its
    beginning; if it vanishes, what was read stays.

    Attributes:
        version: a new number after every change.
        final_validation: the loss over the whole validation split; ``None`` if the run has continued since.
        marks: by time.
        alerts: in the order in which they arose.
        facts: the newest "start" event.
        last: the newest "step" event; values of its inner objects stand beside the others.
        answers: the newest "control" events by the id of their request.
        recent: the newest events other than steps.
        newer: whether lines of a newer format were skipped.
        bytes_per_token: of the run's data, for runs that did not record bits per byte; None while it is not known.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0
        self.bytes_per_token: float | None = None
        self._file = LineTail(folder / EVENTS)
        self._clear()

    def _clear(self) -> None:
        self._restarts = self._file.restarts
        self._clock = EventClock()
        self._watch = AlertDetector()
        self._steps = StepLog()
        self._evaluations = Table((*AXES, *evaluation_keys()))
        self._checked = 0  # logged steps checked for alerts
        self._evaluated = 0  # logged steps before the newest evaluation
        self._final: tuple[float, float] | None = None
        self._newest = b""
        self._marks: list[Mark] = []
        self._alerts: list[Alert] = []
        self._raised: list[Alert] = []  # since the last update
        self._answers: dict[str, dict[str, Any]] = {}
        self._recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
        self.facts: dict[str, Any] = {}
        self.newer = False
        self._publish()

    def update(self, *, budget: float = math.inf) -> bool:
        """Reads what is new for about ``budget`` seconds, at least one block; returns whether anything changed."""
        before, until = self.version, time.monotonic() + budget
        changed = False
        for block in self._file.blocks():
            if self._file.restarts != self._restarts:
                self._clear()
            self._take(parse(block))
            changed = True
            if time.monotonic() >= until:
                break
        if self._file.restarts != self._restarts:
            self._clear()
        if changed:
            self._check_alerts()
            self._publish()
        return self.version != before

    def check_disk(self, free: int, checkpoint_bytes: int) -> bool:
        """Raises an alert when too few checkpoints will fit; sizes in bytes. Returns whether it raised one."""
        found = self._watch.disk(max(self._steps.last_step, 0.0), time.time(), free, checkpoint_bytes)
        self._raise(found)
        if found:
            self._publish()
        return bool(found)

    @property
    def complete(self) -> bool:
        """Whether everything was read, up to an unfinished line."""
        return self._file.at_end

    def series(self, metric: str) -> Series:
        """The valid points of a metric: after a resume from step N, earlier points beyond N are not."""
        return self._steps.series(metric)

    def superseded(self, metric: str) -> Series:
        """The points of a metric that resumes discarded, segment after segment."""
        return self._steps.superseded(metric)

    @property
    def validation(self) -> Series:
        """The valid validation losses, in nats per token."""
        return self.evaluated(VALIDATION_LOSS)

    def evaluated(self, key: str) -> Series:
        """A value of the valid evaluations, one of `gptdesk.loss_units.evaluation_keys`."""
        return self._evaluations.series(key)

    def _publish(self) -> None:
        self.marks = tuple(sorted(self._marks, key=lambda mark: mark.time))
        self._alerts += sorted(self._raised, key=lambda alert: alert.t)
        self._raised = []
        self.alerts = tuple(self._alerts)
        self.answers = dict(self._answers)
        self.recent = self._recent.copy()
        event = load_event(self._newest) or {}
        held = [event[name] for name in contained() if isinstance(event.get(name), dict)]
        self.last: dict[str, Any] = event.copy()
        for values in held:
            self.last |= values
        self.final_validation = self._final[1] if self._final and self._final[0] >= self._steps.last_step else None
        self.version += 1

    # Step events

    def _take(self, lines: Lines) -> None:
        taken = 0
        for place, event in lines.others:
            self._log(lines.rows[:, taken:place])
            if event is not None:
                self._note(event)
            taken = place + 1
        self._log(lines.rows[:, taken:])
        self._newest = lines.newest or self._newest
        self.newer = self.newer or lines.newer

    def _log(self, steps: Floats) -> None:
        """Appends logged steps. Where steps go back without a recorded start (full disk), a resume is assumed."""
        if not steps.shape[1]:
            return
        seconds = self._clock.seconds(steps[_T])
        first = 0
        before = np.concatenate([[self._steps.last_step], steps[_STEP, :-1]])
        for i in np.flatnonzero(steps[_STEP] <= before).tolist():
            self._steps.append(steps[:, first:i], seconds[first:i])
            self._go_back(steps[_STEP, i] - 1)
            first = i
        self._steps.append(steps[:, first:], seconds[first:])

    def _go_back(self, step: float) -> None:
        """Handles a resume from ``step``: later points no longer count."""
        self._check_alerts()
        kept = self._steps.cut(step)
        if self._final and self._final[0] > step:
            self._final = None
        self._evaluations = self._evaluations.head(
            int(np.searchsorted(self._evaluations.column("step"), step, "right"))
        )
        self._marks = [mark for mark in self._marks if mark.kind != "checkpoint" or mark.step <= step]
        self._checked, self._evaluated = kept, min(self._evaluated, kept)
        best = np.fmin.reduce(self._evaluations.column(VALIDATION_LOSS), initial=math.inf)
        self._watch.reset(step, float(best))

    def _check_alerts(self) -> None:
        """Checks the new logged steps for alerts."""
        while self._checked < len(self._steps):
            rows = slice(self._checked, self._checked + _CHECKED_AT_ONCE)
            columns = (self._steps.live.column(name)[rows] for name in ("step", "t", "loss", "tokens_per_s"))
            self._raise(self._watch.steps(*columns))
            self._checked = min(rows.stop, len(self._steps))

    def _raise(self, found: list[Alert]) -> None:
        told = [abs(alert.t) < END_OF_TIME for alert in found]  # else the step has no valid time
        alerts = [
            alert if known else replace(alert, t=self._clock.last) for alert, known in zip(found, told, strict=True)
        ]
        for alert in alerts:
            row = int(np.searchsorted(self._steps.live.column("step"), alert.step))
            logged = row < len(self._steps) and alert.kind in ("nonfinite", "spike", "slow")
            seconds = self._steps.live.column("time")[row] if logged else self._clock.now
            kind = "nonfinite" if alert.kind == "nonfinite" else "alert"
            self._mark(kind, alert.step, alert.t, alert.title, time=float(seconds))
        self._raised += alerts

    def _tokens(self, step: float) -> float:
        """Tokens trained until a step, which need not have been logged."""
        row = int(np.searchsorted(self._steps.live.column("step"), step, "right")) - 1
        a_step = number(self.facts.get("tokens_per_step"), 0.0)
        if row < 0:
            return step * a_step
        known_step, known = (float(self._steps.live.column(name)[row]) for name in ("step", "tokens"))
        return known + (step - known_step) * (a_step or known / max(known_step, 1))

    # The other events

    def _note(self, event: dict[str, Any]) -> None:
        self._recent.append(event)
        t = number(event.get("t"), math.nan)
        t = t if abs(t) < END_OF_TIME else self._clock.last
        seconds = self._clock.moment(t)
        step = number(event.get("step"), -1.0)
        if not 0 <= step <= LARGEST_WHOLE:
            step = max(self._steps.last_step, 0.0)
        match event.get("ev"):
            case "start":
                self._start(event, step, t, seconds)
            case "eval":
                self._evaluation(step, t, seconds, [number(event.get(key), math.nan) for key in evaluation_keys()])
            case "final_eval":
                self._final = step, number(event.get(VALIDATION_LOSS), math.nan)
            case "checkpoint":
                self._mark("checkpoint", step, t, f"Checkpoint {event.get('folder', '')}", time=seconds)
            case "checkpoint_failed":
                self._raise(self._watch.checkpoint_failed(step, t, str(event.get("reason", ""))))
            case "control":
                self._answers.pop(str(event.get("id")), None)
                self._answers[str(event.get("id"))] = event
                if len(self._answers) > ANSWERS:
                    del self._answers[next(iter(self._answers))]
            case "pause":
                self._mark("pause", step, t, str(event.get("reason") or "Paused"), time=seconds)
            case "resume":
                self._mark("resume", step, t, "Resumed after a pause", time=seconds)
            case "early_stop":
                self._mark("early_stop", step, t, "Early stop: the validation loss stopped improving", time=seconds)
            case "crash":
                self._crash(event, step, t, seconds)

    def _start(self, event: dict[str, Any], step: float, t: float, seconds: float) -> None:
        self._go_back(step)
        if self.facts or step > 0:
            self._mark("resume", step, t, f"Resumed from step {int(step):,}", time=seconds)
        self.facts = event

    def _evaluation(self, step: float, t: float, seconds: float, values: list[float]) -> None:
        """Takes an evaluation with the values of `evaluation_keys`, the loss first."""
        loss = values[0]
        evaluated = self._evaluations.column("step")[-1:]
        if step < max([self._steps.last_step, *evaluated.tolist()]):  # a start that was not recorded
            self._go_back(step)
        self._evaluations.append(np.array([[step], [self._tokens(step)], [seconds], *([value] for value in values)]))
        training = self._steps.live.column("loss", self._evaluated)
        training = training[np.isfinite(training)]
        self._evaluated = len(self._steps)
        if not math.isfinite(loss):
            self._check_alerts()  # the losses may already show it
        mean = float(training.mean()) if len(training) else math.nan
        self._raise(self._watch.evaluation(step, t, loss, mean))

    def _crash(self, event: dict[str, Any], step: float, t: float, seconds: float) -> None:
        reason = str(event.get("reason") or "The run ended with an error.")
        if event.get("cause") == "not finite":
            self._check_alerts()
            self._raise(self._watch.diverged(step, t, reason))
        self._mark("crash", step, t, reason, time=seconds)

    def _mark(self, kind: str, step: float, t: float, text: str, *, time: float) -> None:
        self._marks.append(Mark(kind, int(step), self._tokens(step), time, t, text))
