"""What the benchmarks' command writes of what was measured; nothing is measured here."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import as_document
from benchmarks.decode_report import as_tables, ratio
from benchmarks.goals import Goal, find_goals
from benchmarks.soak import levels


def row(name: str, what: str, tokens: int, turns: list[float], threads: int = 2) -> dict[str, Any]:
    return {"name": name, "what": what, "threads": threads, "tokens": tokens, "turns": turns}


@pytest.fixture
def decode() -> dict[str, Any]:
    """Two turns, the second on a machine half as fast."""
    return {
        "machine": {"processor": "some", "torch": "2"},
        "cores": 2,
        "model": {"n_layer": 12, "n_embd": 768},
        "cores_of_others": [0.1, 0.9],
        "read_gb_per_s": {"2": [30.0, 15.0]},
        "bytes_a_token": {"ours int8": {"32": 150e6, "900": 200e6}},
        "speed": [
            row("ours int8", "decode", 32, [180.0, 90.0]),
            row("ours int8", "decode", 900, [120.0, 60.0]),
            row("llama.cpp Q8_0", "decode", 32, [150.0, 75.0]),
            row("llama.cpp Q8_0", "decode", 900, [120.0, 60.0]),
            row("ours int8", "prefill", 512, [900.0, 450.0]),
            row("llama.cpp Q8_0", "prefill", 512, [600.0, 300.0]),
            row("transformers float32", "prefill", 512, [800.0, 400.0]),
            *(
                row(name, "first token", 32, [0.03, 0.06])
                for name in ("ours int8", "llama.cpp Q8_0", "transformers float32")
            ),
        ],
        "loading": [
            {
                "name": "ours int8",
                "seconds": [0.2, 0.3],
                "first_token_s": [0.3, 0.4],
                "peak_mb": 500,
                "peak_first_token_mb": 600,
                "weights_mb": 124,
                "over_weights_mb": 376,
            }
        ],
    }


def test_a_ratio_is_taken_within_a_turn(decode: dict[str, Any]) -> None:
    assert ratio(decode, "ours int8", "llama.cpp Q8_0", "decode", 2, 32) == pytest.approx(1.2)
    assert ratio(decode, "ours int8", "CTranslate2 int8", "decode", 2, 32) is None


def test_a_goal_with_two_contexts_is_reached_only_with_both(decode: dict[str, Any]) -> None:
    goal = find_goals({"decode": decode})[0]
    assert (goal.figure, goal.reached) == ("1.20x, 1.00x", False)
    decode["speed"][3]["turns"] = [100.0, 50.0]
    assert find_goals({"decode": decode})[0].reached


def test_int4_must_lose_less_than_each_of_llama_cpps_formats_of_4_bits(decode: dict[str, Any]) -> None:
    def goal() -> Goal:
        (found,) = (goal for goal in find_goals({"decode": decode}) if "perplexity of ours int4" in goal.what)
        return found

    assert (goal().figure, goal().reached) == ("", False)
    losses = {"ours int8": 0.0005, "ours int4": 0.009, "llama.cpp Q4_0": 0.07, "llama.cpp Q4_K_M": 0.014}
    decode["quality"] = [{"name": name, "loss": loss} for name, loss in losses.items()]
    assert goal().reached
    assert goal().aim == "at most llama.cpp Q4_0's 7.00% and llama.cpp Q4_K_M's 1.40%"
    decode["quality"][-1]["loss"] = 0.008
    assert not goal().reached


def test_prompts_compare_with_the_fastest_peer(decode: dict[str, Any]) -> None:
    (goal,) = (goal for goal in find_goals({"decode": decode}) if "prompt" in goal.what)
    assert (goal.what.rpartition("against ")[2], goal.figure, goal.reached) == ("transformers float32", "1.12x", True)


def test_the_share_of_the_bandwidth_is_of_the_same_turn(decode: dict[str, Any]) -> None:
    assert "| ours int8 | 2 | 32 | 135 (90 to 180) | 1.20 |  | 90% |" in as_tables(decode)


def test_the_document_tells_reached_missed_and_not_measured(decode: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "decode.json").write_text(json.dumps(decode))
    (tmp_path / "decode.md").write_text("the tables\n")
    own = {"must_reach": [{"what": "a token", "aim": "at most 0.4 ms", "figure": "0.3 ms", "reached": True}]}
    (tmp_path / "sampling.json").write_text(json.dumps(own))
    (tmp_path / "sampling.md").write_text("its table\n")
    text = as_document(tmp_path, {"train": "It ended with status 1."}, quick=False)
    assert "| loading GPT-2 124M, ours int8 | at most 0.3 s | 0.25 s | reached |" in text
    assert "| memory over the weights meanwhile, GPT-2 124M | at most 300 MB | 376 MB | **missed** |" in text
    assert "| painted window | at most 0.8 s |  | not measured |" in text
    assert "| a token | at most 0.4 ms | 0.3 ms | reached |" in text
    assert "## Decoding on a CPU\n\nthe tables\n" in text
    assert "## The training step\n\nNot measured. It ended with status 1.\n" in text


def test_the_levels_of_memory_are_those_after_the_first_minute_and_at_the_end() -> None:
    memory = [
        (5.0 * index, 300 if index < 12 else 500 if index < 25 else 510 if index < 108 else 520) for index in range(121)
    ]
    assert levels(memory) == (500, 520)
    assert levels([(0.0, 1), (1.0, 2), (2.0, 4), (3.0, 4)]) == (3, 4)
