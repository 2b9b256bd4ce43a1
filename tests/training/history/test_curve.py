"""The sketch of a loss, of histories that are long, strange, or went back."""

import json
from pathlib import Path
from typing import Any

import pytest

from gptdesk.training.history.loss_sketch import loss_sketch


def a_step(step: Any, loss: Any) -> str:
    return json.dumps({"v": 1, "ev": "step", "step": step, "loss": loss}, separators=(",", ":")) + "\n"


def write(folder: Path, *lines: str) -> None:
    (folder / "events.jsonl").write_text("".join(lines))


@pytest.mark.parametrize(
    "strange",
    [
        a_step(2, None),
        a_step(2, "low"),
        a_step(2, float("inf")),
        a_step(2, float("nan")),
        a_step(2, 10**400),
        a_step(float("inf"), 2.0),
        a_step(10**400, 2.0),
        a_step(-1, 2.0),
        '["ev":"step"]\n',
        '{"ev":"step","step":' + "[" * 100_000 + "\n",
        '{"ev":"step","step":2,"loss":' + "1" * 5_000 + "}\n",
    ],
)
def test_what_is_no_loss_is_passed_over(tmp_path: Path, strange: str) -> None:
    write(tmp_path, a_step(1, 3.0), strange, a_step(3, 1.0))
    assert loss_sketch(tmp_path) == (3.0, 1.0)


def test_a_future_that_was_left_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path, *(a_step(step, 9.0 - step) for step in range(1, 7)), a_step(3, 5.5), a_step(4, 4.5))
    assert loss_sketch(tmp_path) == (8.0, 7.0, 5.5, 4.5)


def test_a_future_that_was_left_is_not_shown_of_a_long_history_either(tmp_path: Path) -> None:
    first = [a_step(step, 5.0) for step in range(1, 4_001)]
    write(tmp_path, *first, *(a_step(step, 1.0) for step in range(2_001, 3_001)))
    sketch = loss_sketch(tmp_path)
    assert list(sketch) == sorted(sketch, reverse=True)
    assert sketch[-1] == 1.0
