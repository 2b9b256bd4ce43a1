"""What is said of votes: wins, shares and intervals."""

from __future__ import annotations

from collections.abc import Sequence

from gptdesk.compare.votes import Tally
from gptdesk.ui import number_format

HEADINGS = ("Preferred", "Wins", "Share", "95 %")
TIPS = (
    "What was preferred over the others of its group",
    "How often",
    "Of the votes that preferred one",
    "Wilson's interval: the probabilities of winning that agree with these votes",
)


def win_rows(tallies: Sequence[Tally]) -> list[list[str]]:
    """A row for each model, those that were compared with each other together, and one for the undecided votes."""
    rows = []
    for tally in tallies:
        for one in tally.wins:
            share = number_format.percent(one.wins / tally.decided) if tally.decided else "–"
            interval = f"{100 * one.low:.0f}–{100 * one.high:.0f}"
            rows.append([one.model, number_format.count(one.wins), share, interval])
        if tally.undecided:
            rows.append(["None of them", number_format.count(tally.undecided), "", ""])
    return rows
