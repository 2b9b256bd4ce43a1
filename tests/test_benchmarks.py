"""What the benchmarks' command writes of what was measured; nothing of speed is measured here."""

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks import responsiveness, startup
from benchmarks.__main__ import as_document
from benchmarks.caches import largest_cache
from benchmarks.decode_again import as_table as compare_runs
from benchmarks.decode_report import as_tables, ratio
from benchmarks.first_output import time_first_output
from benchmarks.goals import Goal, Reports, find_goals
from benchmarks.gpu.training import must_reach as training_goals
from benchmarks.peer_files import Spec
from benchmarks.soak import levels
from benchmarks.versions import as_table as compare_versions
from benchmarks.worker import Worker


def only_goal(reports: Reports, *parts: str) -> Goal:
    """The one goal whose description has these parts."""
    (found,) = (goal for goal in find_goals(reports) if all(part in goal.what for part in parts))
    return found


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


def test_caches_are_emptied_by_data_of_twice_their_size_where_that_is_asked_for(tiny_model_folder: Path) -> None:
    pytest.importorskip("numba")
    worker = Worker(Spec("ours", "float32", tiny_model_folder), threads=1)
    process, taken = psutil.Process(worker.pid), []
    for from_memory in (False, False, True):  # the first opens the text
        before = process.memory_info().rss
        seconds = worker.ask("decode", context=4, tokens=3, threads=1, from_memory=from_memory)
        taken.append(process.memory_info().rss - before)
        assert len(seconds) == 3
    worker.close()
    assert taken[1] < largest_cache()
    assert taken[2] > 1.9 * largest_cache()


def test_a_goal_with_two_contexts_is_reached_only_with_both(decode: dict[str, Any]) -> None:
    what = "ours int8 against llama.cpp Q8_0, context"
    goal = only_goal({"decode": decode}, what)
    assert (goal.figure, goal.reached) == ("1.20x, 1.00x", False)
    decode["speed"][3]["turns"] = [100.0, 50.0]
    assert only_goal({"decode": decode}, what).reached


def test_int4_must_lose_less_than_each_of_llama_cpps_formats_of_4_bits(decode: dict[str, Any]) -> None:
    def goal() -> Goal:
        return only_goal({"decode": decode}, "perplexity of ours int4")

    assert (goal().figure, goal().reached) == ("", False)
    losses = {"ours int8": 0.0005, "ours int4": 0.009, "llama.cpp Q4_0": 0.07, "llama.cpp Q4_K_M": 0.014}
    decode["quality"] = [{"name": name, "tokens": 16_320, "loss": loss} for name, loss in losses.items()]
    assert goal().reached
    assert only_goal({"decode": decode}, "perplexity of ours int8").figure == "+0.05% (16,320 tokens)"
    assert goal().aim == "at most llama.cpp Q4_0's 7.00% and llama.cpp Q4_K_M's 1.40%"
    decode["quality"][-1]["loss"] = 0.008
    assert not goal().reached


def test_prompts_compare_with_the_fastest_peer(decode: dict[str, Any]) -> None:
    def goal(what: str) -> tuple[str, str, bool]:
        found = only_goal({"decode": decode}, what)
        return found.what.rpartition(": ")[2], found.figure, found.reached

    assert goal("ours int8, prompt of 512") == ("transformers float32", "1.12x, without CTranslate2 int8", False)
    decode["speed"] += [
        row("CTranslate2 int8", "prefill", 512, [1200.0, 600.0]),
        row("CTranslate2 float32", "prefill", 512, [2000.0, 1000.0]),
        row("llama.cpp BF16", "prefill", 512, [1500.0, 500.0]),
        row("ours float32", "prefill", 512, [1000.0, 500.0]),
        row("llama.cpp F32", "prefill", 512, [900.0, 450.0]),
        row("llama.cpp Q4_0", "first token", 32, [0.04, 0.06]),
        row("CTranslate2 int8", "first token", 32, [0.02, 0.04]),
    ]
    assert goal("ours int8, prompt of 512") == ("llama.cpp BF16", "0.75x", False), "not CTranslate2 in float32"
    decode["speed"][4]["turns"] = [1600.0, 700.0]
    assert goal("ours int8, prompt of 512") == ("llama.cpp BF16", "1.23x", True)
    assert goal("ours int8, prompt of 32") == ("CTranslate2 int8", "0.67x", False), "of a first token less is better"
    assert goal("ours float32, prompt of 512") == ("CTranslate2 float32", "0.50x", False), "bfloat16 does not count"


def test_decoding_is_not_slower_only_if_no_precision_is() -> None:
    def goal() -> Goal:
        return only_goal({"versions": versions}, "decoding, all precisions")

    versions: dict[str, Any] = {"other": {"commit": "abc", "date": "2026-11-25"}, "machine": {}, "speed": []}
    versions["cores_of_others"] = [0.0]
    assert (goal().figure, goal().reached) == ("", False)
    for name in ("ours float32", "ours bfloat16", "ours int8", "ours int4"):
        assert not goal().reached, "a precision is missing"
        versions["speed"] += [row(name, "decode", context, [96.0, 48.0]) for context in (32, 900)]
        versions["speed"] += [row(f"{name}, other version", "decode", context, [80.0, 40.0]) for context in (32, 900)]
    assert goal().reached
    assert "| ours int4, decoding, context 900, tokens/s | 2 | 60.0 | 72.0 | 1.20 |" in compare_versions(versions)
    versions["speed"][-1]["turns"] = [120.0, 60.0]
    assert (goal().figure.rpartition(", ")[2], goal().reached) == ("ours int4 0.80x", False), "the worse of both"
    versions["speed"][-1]["turns"] = [80.0, 40.0]
    versions["other"]["date"] = "2026-11-26"
    assert (goal().figure, goal().reached) == ("", False), "another version than the one of that day"


def stage(*turns: float, processor: tuple[float, ...] = ()) -> dict[str, Any]:
    return {"median": turns[0], "turns": list(turns), "processor": list(processor)}


@pytest.fixture
def start() -> dict[str, Any]:
    """Two turns, the second on a machine half as fast."""
    return {
        "model": "stories",
        "precision": "int8",
        "screen": "offscreen",
        "cores_of_others": [0.1, 0.9],
        "goals": startup.GOALS,
        "stages": {
            "import torch": stage(1.0, 2.0, processor=(1.0, 1.0)),
            "first token": stage(0.4, 0.8, processor=(0.3, 0.3)),
            "asked": stage(0.3, 0.6),
            "painted": stage(0.45, 0.9, processor=(0.4, 0.4)),
            "ready": stage(0.6, 1.2, processor=(0.7, 0.7)),
        },
        "memory_mb": [210.0, 212.0],
        "files_mb": [60.0, 60.0],
        "imports_ms": {"numpy": 90.0},
    }


def test_a_second_run_reproduces_the_first_only_if_every_ratio_does(decode: dict[str, Any]) -> None:
    def goal(again: dict[str, Any]) -> Goal:
        return only_goal({"decode": decode, "decode-again": again}, "second run")

    assert not only_goal({"decode": decode}, "second run").figure
    again = copy.deepcopy(decode)
    assert goal(again) == Goal(
        "ratios to peers, in a second run over those in the first", "within 10%", "4 of 4, threads: 2; +0% to +0%", True
    )
    again["speed"][2]["turns"] = [170.0, 85.0]  # Q8_0 after 32 tokens, before 150 and 75
    assert (goal(again).figure, goal(again).reached) == ("3 of 4, threads: 2; -12% to +0%", False)
    assert "| ours int8 to llama.cpp Q8_0, 2 threads, context 32 | 1.20 | 1.06 | -12% |" in compare_runs(decode, again)
    del again["speed"][2]
    assert not goal(again).reached, "a ratio is missing"


def test_a_second_run_with_some_numbers_of_threads_is_compared_with_these(decode: dict[str, Any]) -> None:
    again = copy.deepcopy(decode)
    one = [row | {"threads": 1} for row in copy.deepcopy(decode["speed"])]
    decode["speed"] += one
    goal = only_goal({"decode": decode, "decode-again": again}, "second run")
    assert (goal.figure, goal.reached) == ("4 of 4, threads: 2; +0% to +0%", True)
    again["speed"] = one
    goal = only_goal({"decode": decode, "decode-again": again}, "second run")
    assert (goal.figure, goal.reached) == ("4 of 4, threads: 1; +0% to +0%", False), "two threads are what counts"
    again["speed"] = decode["speed"]
    goal = only_goal({"decode": decode, "decode-again": again}, "second run")
    assert (goal.figure, goal.reached) == ("8 of 8, threads: 1 and 2; +0% to +0%", True)


def test_starts_compare_with_the_import_of_torch_in_the_same_turn(start: dict[str, Any]) -> None:
    def goal(what: str) -> tuple[str, bool]:
        found = only_goal({"startup": start}, what)
        return found.figure, found.reached

    assert goal("`gptdesk complete`") == ("0.40x (by processor time 0.30x)", True)
    assert goal("window ready after start") == ("0.60x (by processor time 0.70x)", True), "the clock counts"
    assert goal("window painted after start") == ("0.45x (by processor time 0.40x)", False)
    assert goal("resident memory of the window") == ("211 MB", True)
    for found in start["stages"].values():
        found["processor"] = []  # elsewhere than on Linux
    assert goal("`gptdesk complete`") == ("0.40x", True)
    assert "| window: ready to generate | 0.60 | 0.60 to 1.20 |  | 0.60 |  | at most 3.0 s, " in startup.as_table(start)


def test_the_windows_lateness_counts_with_the_worst_of_all_turns() -> None:
    writing = {"p50": [0.1, 0.1, 0.1], "p95": [3.0, 9.0, 4.0], "max": [9.0, 31.0, 12.0]}
    bundled = {
        "model": "bundled model",
        "precision": "int8",
        "tokens_per_s": [700.0, 700.0, 700.0],
        "idle": {"p50": [0.1], "p95": [0.2], "max": [0.9]},
        "writing": writing,
    }
    report = {"screen": "xvfb", "cores_of_others": [0.0], "writing_s": 60, "goal_ms": 8.0, "worst_goal_ms": 30.0}
    report["rows"] = [bundled]

    def goal() -> Goal:
        return only_goal({"responsiveness": report}, ", bundled model", "window late")

    assert (goal().figure, goal().reached) == ("4.0 ms, 31.0 ms", False)
    assert "| bundled model, int8, writing | 0.1 | 4.0 | 31.0 | 700 |" in responsiveness.as_table(report)
    writing["max"][1] = 29.0
    assert goal().reached
    report["writing_s"] = 10.0
    assert "the worst of 10 s" in goal().what, "a shorter run says so"


def test_a_soak_counts_only_as_a_whole_one() -> None:
    memory = [(60.0 * minute, 200_000_000 if minute < 20 else 208_000_000, "a model") for minute in range(31)]

    def goal(minutes: float, completions: int) -> tuple[str, bool]:
        report = {"memory": memory, "minutes": minutes, "completions": completions}
        found = only_goal({"soak": report}, "30 minutes")
        return found.figure, found.reached

    assert goal(30, 10_400) == ("+4.0% (10,400 completions in 30 minutes)", True)
    assert not goal(30, 9_000)[1]
    assert not goal(20, 10_400)[1]
    memory[-2:] = [(1740.0, 212_000_000, "a model"), (1800.0, 212_000_000, "a model")]
    assert goal(30, 10_400) == ("+6.0% (10,400 completions in 30 minutes)", False)


def test_a_gpus_aims_stand_there_without_one_and_are_filled_by_its_report() -> None:
    aims = {goal.what: goal for goal in find_goals({}) if "CUDA" in goal.what or "MFU" in goal.what}
    assert [goal.aim for goal in aims.values()] == [
        "at least 5,000 tokens/s (H200), 3,500 tokens/s (H100)", "at least 20x", "50%; at least 35%",
    ]  # fmt: skip
    mfu = training_goals({"rows": [{"mfu": 0.4}]})
    other = {"what": "tests on a card", "aim": "all pass", "figure": "3 passed, 0 failed", "reached": True}
    found = find_goals({"gpu": {"must_reach": [other, *mfu]}})
    assert {goal.what: goal.figure for goal in found if goal.what in aims} == dict.fromkeys(aims, "") | {
        "training 124M, MFU": "40.0%"
    }
    assert found[-1] == Goal(**other)


def test_the_first_output_is_timed_and_a_failure_is_told() -> None:
    code = "import sys; print('a', flush=True); sys.exit(int(sys.argv[1]))"
    taken = time_first_output((sys.executable, "-c", code, "0"), os.environ)
    assert 0 < taken.seconds <= taken.whole
    assert taken.processor >= 0
    with pytest.raises(SystemExit, match="ended with status 3"):
        time_first_output((sys.executable, "-c", code, "3"), os.environ)
    with pytest.raises(SystemExit, match="ended with status 0"):
        time_first_output((sys.executable, "-c", "pass"), os.environ)


def test_the_share_of_the_bandwidth_is_of_the_same_turn(decode: dict[str, Any]) -> None:
    assert "| ours int8 | 2 | 32 | 135 (90 to 180) | 1.20 |  | 90% |" in as_tables(decode)


def test_the_document_tells_reached_missed_and_not_measured(decode: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "decode.json").write_text(json.dumps(decode))
    (tmp_path / "decode.md").write_text("the tables\n")
    own = {"must_reach": [{"what": "a token", "aim": "at most 0.4 ms", "figure": "0.3 ms", "reached": True}]}
    (tmp_path / "sampling.json").write_text(json.dumps(own))
    (tmp_path / "sampling.md").write_text("its table\n")
    memory = [(60.0 * minute, 200_000_000, "a model") for minute in range(31)]
    soak = {"memory": memory, "minutes": 30, "completions": 12_000}
    (tmp_path / "soak.json").write_text(json.dumps(soak))  # by the module's own command, which keeps no table
    text = as_document(tmp_path, {"train": "It ended with status 1."}, quick=False)
    assert "| loading GPT-2 124M, ours int8 | at most 0.3 s | 0.25 s | reached |" in text
    assert "| memory over the weights meanwhile, GPT-2 124M | at most 300 MB | 376 MB | **missed** |" in text
    assert "| painted window | at most 0.8 s |  | not measured |" in text
    assert "| a token | at most 0.4 ms | 0.3 ms | reached |" in text
    assert "at most +5% | +0.0% (12,000 completions in 30 minutes) | reached |" in text
    assert "## Half an hour of use\n\nMeasured by `python -m benchmarks.soak`.\n" in text
    assert "## Decoding on a CPU\n\nthe tables\n" in text
    assert "## The training step\n\nNot measured. It ended with status 1.\n" in text


def test_the_levels_of_memory_are_those_after_the_first_minute_and_at_the_end() -> None:
    sizes = [300 if index < 12 else 500 if index < 25 else 510 if index < 108 else 520 for index in range(121)]
    assert levels([(5.0 * index, size, "a model") for index, size in enumerate(sizes)]) == (500, 520)
    assert levels([(float(second), size, "a model") for second, size in enumerate((1, 2, 4, 4))]) == (3, 4)


def test_the_levels_of_memory_are_those_of_the_same_model() -> None:
    small, large = [(60.0, 100, "small"), (1800.0, 104, "small")], [(120.0, 200, "large"), (1790.0, 202, "large")]
    begins_small, ends_large = [(90.0, 100, "small")], [(1780.0, 202, "large"), (1795.0, 202, "large")]
    memory = sorted([*small, *large, *begins_small, *ends_large])
    assert levels(memory) == (100, 104)
    assert levels([*memory, (1800.0, 250, "loaded last")]) == (100, 104), "only what was there at the beginning"
