"""A sampler that is added as CONTRIBUTING.md says shows up everywhere, and no device ignores it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("added_sampler.py")
HELP = "Keeps token number 7 + the tokens so far."


@pytest.fixture(scope="module")
def facts() -> Any:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "COLUMNS": "200"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROGRAM.parents[3]), os.environ.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_both_command_lines_have_its_flag_with_its_help_and_limits(facts: Any) -> None:
    assert f"--made-up NUMBER {HELP} (0 to 3; default 0 = off)" in facts["complete"]
    assert f"--made-up NUMBER {HELP} (0 to 3; 0 = off)" in facts["sample"]


def test_the_reference_page_lists_it(facts: Any) -> None:
    assert f"| Made-up cut | `--made-up NUMBER` | 0 to 3 | 0 (off) | yes | {HELP} |" in facts["page"]


def test_its_limits_are_checked_and_named(facts: Any) -> None:
    assert facts["refusal"] == "made_up must be a number from 0 to 3, not 4."


def test_it_is_saved_and_read(facts: Any) -> None:
    assert facts["json"] == [{"made_up": 0.5, "max_tokens": 4, "seed": 1}, True]
    assert facts["saved"]


def test_presets_keep_set_and_reset_it(facts: Any) -> None:
    assert facts["kept by a preset"] == {"made_up": 0.5}
    assert facts["set by a preset"] == {"made_up": 0.5, "max_tokens": 9}
    assert facts["panel"]["preset"] == "Custom"
    assert facts["panel"]["reset"] == [0.0, "off"]


def test_the_panel_has_a_row_for_it_in_its_group(facts: Any) -> None:
    panel = facts["panel"]
    assert panel["in its group"]
    assert panel["label"] == "Made-up cut"
    assert HELP in panel["tooltip"]
    assert panel["setting"] == 0.25


def test_it_is_applied_with_its_state_on_every_device(facts: Any) -> None:
    assert facts["tokens"] == [7, 8, 9, 10]
    assert facts["fast path of CUDA"] == [False, True]
    assert facts["tokens on a card"] == [7, 8, 9, 10]
