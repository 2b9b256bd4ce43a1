"""Whether the run can be started, and if not, why. Plain Python, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DATA, START, SETTINGS = range(3)
VOCABULARY: Final = "vocabulary"
"""Key of the problem that the data has another vocabulary than the run."""

STEP_OF: Final = {"data.path": DATA, VOCABULARY: DATA, "model.init_from": START}
"""Steps of problems that are not those of the last step."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """State of the sheet.

    Attributes:
        problems: a sentence for every setting that cannot work, by ``section.key``.
        launcher_problem: why the run cannot be launched as chosen; "" if it can.
        settled: whether the problems belong to the present settings.
        starting: whether the run is being started.
        waiting: name of the data in preparation for this run; "" for none.
        failure: why that preparation failed; "" if it has not.
        note: what was done last, shown while nothing is wrong.
        fitted: sentences on settings that were fitted to the data, shown likewise.
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
        """Whether the run can start automatically when its data is ready."""
        return bool(self.waiting) and not self.failure

    @property
    def missing(self) -> set[str]:
        """Settings that cannot work, except data in preparation."""
        return set(self.problems) - ({"data.path"} if self.can_wait else set())

    @property
    def may_start(self) -> bool:
        ready = self.settled and not self.starting and not self.failure
        return ready and not self.missing and not self.launcher_problem

    @property
    def wrong_settings(self) -> bool:
        """Whether a setting of the last step is wrong."""
        return bool(self.launcher_problem) or any(key not in STEP_OF for key in self.problems)

    @property
    def first_problem(self) -> str:
        """Key of the problem to solve first; "" for none, or if it concerns no setting."""
        order = sorted(self.missing, key=lambda key: (STEP_OF.get(key, SETTINGS), key))
        return order[0] if order else ""

    @property
    def message(self) -> str:
        """Message beside the button."""
        if self.starting:
            return "Starting…"
        if self.failure:
            return f"Preparing “{self.waiting}” failed: {self.failure}"
        problem = self.problems.get(self.first_problem, "") or self.launcher_problem
        if not problem and self.waiting:
            problem = "Your text is still being prepared; the run can start automatically after that."
        fitted = () if problem else self.fitted
        return " ".join(part for part in (self.note, problem, *fitted) if part)

    @property
    def leads_on(self) -> bool:
        """Whether the message concerns something on the sheet."""
        return not self.starting and bool(
            self.failure or self.first_problem or self.launcher_problem or (self.fitted and not self.waiting)
        )
