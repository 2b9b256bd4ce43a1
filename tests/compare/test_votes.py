"""The file of votes: what is kept, counted and exported, and what is refused untouched."""

import csv
import io
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from gptdesk.compare import votes as module
from gptdesk.compare.votes import Vote, add_vote, new_vote, read_votes, shuffled, tallies, votes_as_csv
from gptdesk.compare.wilson import wilson_interval
from gptdesk.errors import UserError


def vote(models: tuple[str, ...] = ("a", "b"), choice: int | None = 0) -> Vote:
    return new_vote(models, choice, prompt="Once", seed=3)


def test_votes_come_back_as_they_were_given(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    assert read_votes(path) == []
    given = [vote(), vote(("b", "a"), None), new_vote(("a", "b", "c"), 2, prompt="x" * 5_000 + "\ud800", seed=2**60)]
    for one in given:
        add_vote(path, one)
    assert read_votes(path) == given
    assert len(given[2].prompt) == 1_000
    assert given[0].date.endswith("+00:00")


def test_wins_are_counted_between_the_same_models_in_any_order() -> None:
    votes = [vote(), vote(("b", "a"), 1), vote(("b", "a"), 0), vote(choice=None), vote(("a", "c"), 1)]
    first, second = tallies(votes)
    assert (first.decided, first.undecided) == (3, 1)
    assert [(one.model, one.wins) for one in first.wins] == [("a", 2), ("b", 1)]
    assert (first.wins[0].low, first.wins[0].high) == wilson_interval(2, 3)
    assert [(one.model, one.wins) for one in second.wins] == [("c", 1), ("a", 0)]


def test_csv_has_a_row_for_each_vote() -> None:
    rows = list(csv.DictReader(io.StringIO("".join(votes_as_csv([vote(), vote(choice=None)])))))
    assert [row["preferred"] for row in rows] == ["a", ""]
    assert (rows[0]["model_2"], rows[0]["model_3"], rows[0]["prompt"], rows[0]["seed"]) == ("b", "", "Once", "3")


GOOD: dict[str, Any] = {"date": "2026-01-01", "models": ["a", "b"], "choice": 0, "prompt": "", "seed": 1}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"format": "gptdesk votes", "version": 2, "votes": []}, "of another version"),
        ({"format": "other", "version": 1, "votes": []}, "holds no votes"),
        ({"format": "gptdesk votes", "version": 1}, "damaged"),
        ({"format": "gptdesk votes", "version": 1, "votes": [GOOD | {"choice": 2}]}, "a choice of none"),
        ({"format": "gptdesk votes", "version": 1, "votes": [GOOD | {"models": ["a"]}]}, "damaged"),
        ({"format": "gptdesk votes", "version": 1, "votes": [GOOD | {"seed": -1}]}, "damaged"),
        ("[" * 1_000, "cannot be read"),
        ("x" * 200_000, "larger"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Any, why: str
) -> None:
    monkeypatch.setattr(module, "LARGEST", 100_000)
    path = tmp_path / "votes.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    before = path.read_bytes()
    with pytest.raises(UserError, match=why) as caught:
        add_vote(path, vote())
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VOTES", 1)
    add_vote(tmp_path / "votes.json", vote())
    with pytest.raises(UserError, match="the most that it takes"):
        add_vote(tmp_path / "votes.json", vote())
    assert len(read_votes(tmp_path / "votes.json")) == 1


def _add_ten(path: Path) -> None:
    for _ in range(10):
        add_vote(path, vote())


def test_two_programs_lose_no_vote(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    programs = [context.Process(target=_add_ten, args=(tmp_path / "votes.json",)) for _ in range(2)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert len(read_votes(tmp_path / "votes.json")) == 20


def test_every_order_comes() -> None:
    assert {tuple(shuffled(2)) for _ in range(200)} == {(0, 1), (1, 0)}
