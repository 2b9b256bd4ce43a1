"""Whether the run on the sheet can be started, and the reason when it cannot. Plain Python, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DATA, START, SETTINGS = range(3)
STEP_OF: Final = {"data.path": DATA, "model.start": START}
"""The step in which a setting is chosen, where that is not the last one."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Where the sheet stands.

    Attributes:
        problems: a sentence for every setting that cannot work, by ``section.key``.
        launcher_problem: why the run cannot be launched as asked; empty when it can.
        settled: whether the problems are those of the settings at hand.
        starting: whether the run is being started.
        waiting: name of the data that is being prepared for this run; empty when none is.
        failure: why that data could not be prepared; empty when it may still be ready.
        note: what was done last, said while nothing is wrong.
        fitted: sentences on settings that gave way to the data; the same.
    """

    problems: Mapping[str, str] = field(default_factory=dict)
    launcher_problem: str = ""
    settled: bool = False
    starting: bool = False
    waiting: str = ""
    failure: str = ""
    note: str = ""
    fitted: tuple[str, ...] = ()

    @property
    def can_wait(self) -> bool:
        """Whether the run can be started as soon as its data is ready."""
        return bool(self.waiting) and not self.failure

    @property
    def missing(self) -> set[str]:
        """Settings that cannot work, but for the data where it is still coming."""
        return set(self.problems) - ({"data.path"} if self.can_wait else set())

    @property
    def may_start(self) -> bool:
        ready = self.settled and not self.starting and not self.failure
        return ready and not self.missing and not self.launcher_problem

    @property
    def wrong_settings(self) -> bool:
        """Whether something is wrong in the last step."""
        return bool(self.launcher_problem) or any(key not in STEP_OF for key in self.problems)

    @property
    def first_problem(self) -> str:
        """The key of the problem to solve first; empty when there is none, or it is no setting's."""
        order = sorted(self.missing, key=lambda key: STEP_OF.get(key, SETTINGS))
        return order[0] if order else ""

    @property
    def message(self) -> str:
        """What is said beside the button."""
        if self.starting:
            return "Starting…"
        if self.failure:
            return f"“{self.waiting}” could not be prepared: {self.failure}"
        problem = self.problems.get(self.first_problem, "") or self.launcher_problem
        if not problem and self.waiting:
            problem = "Your text is still being prepared; the run can start by itself after that."
        fitted = () if problem else self.fitted
        return " ".join(part for part in (self.note, problem, *fitted) if part)

    @property
    def leads_on(self) -> bool:
        """Whether the message is about something on the sheet that can be shown."""
        return not self.starting and bool(
            self.failure or self.first_problem or self.launcher_problem or (self.fitted and not self.waiting)
        )
