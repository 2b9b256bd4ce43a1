"""What is loaded, unloaded, awaited and refused for a budget: decided without an engine."""

from pathlib import Path

import pytest

from gptdesk.ui.services.engines.budget import SHARE, Taken, Verdict, budget_of, judge
from gptdesk.ui.services.engines.plan import EngineChoice, EngineKey, Plan

GB = 10**9
CARD = "cuda"


def key(name: str, device: str = "cpu") -> EngineKey:
    return EngineKey(Path(name), device, "int8", 0)


def plan(need: int, *, free: int | None = 8 * GB, total: int | None = 16 * GB, device: str = "cpu") -> Plan:
    return Plan(choice=EngineChoice("wanted"), key=key("wanted", device), need=need, free=free, total=total)


def taken(name: str, memory: int, *, used: int = 0, **state: bool) -> Taken:
    return Taken(key=key(name), memory=memory, loaded=memory, used=used, **{"busy": False, "pinned": False, **state})


def verdict(wanted: Plan, setting: int, *engines: Taken) -> Verdict:
    return judge(wanted, budget_of(wanted, setting, engines), setting, engines)


def test_what_fits_beside_the_others_is_loaded() -> None:
    assert verdict(plan(2 * GB), 4 * GB, taken("a", GB), taken("b", GB)) == Verdict("load")


def test_as_few_as_possible_are_unloaded_and_the_least_recently_used_first() -> None:
    engines = (taken("new", GB, used=3), taken("old", GB, used=1), taken("older", GB, used=0))
    assert verdict(plan(2 * GB), 4 * GB, *engines) == Verdict("wait", (key("older"),))
    assert verdict(plan(3 * GB), 4 * GB, *engines) == Verdict("wait", (key("older"), key("old")))


def test_what_is_busy_or_pinned_stays() -> None:
    busy, pinned, idle = taken("a", GB, busy=True), taken("b", GB, pinned=True), taken("c", GB, used=9)
    assert verdict(plan(GB), 3 * GB, busy, pinned, idle) == Verdict("wait", (key("c"),))
    assert verdict(plan(2 * GB), 3 * GB, busy, pinned) == Verdict("wait")


def test_for_what_is_being_unloaded_nothing_else_is() -> None:
    assert verdict(plan(2 * GB), 2 * GB, taken("a", GB, leaving=True)) == Verdict("wait")
    assert verdict(plan(2 * GB), 3 * GB, taken("a", GB, leaving=True), taken("b", GB)) == Verdict("wait")


def test_what_is_larger_than_the_budget_is_refused_with_both_sizes_and_unloads_nothing() -> None:
    refused = verdict(plan(5 * GB), 4 * GB, taken("a", GB))
    assert (refused.kind, refused.unload) == ("refuse", ())
    assert "wanted needs 5.0 GB of memory, and models may take 4.0 GB" in refused.sentence


def test_what_pinned_models_leave_no_room_for_is_refused_with_all_sizes() -> None:
    refused = verdict(plan(3 * GB), 4 * GB, taken("a", 2 * GB, pinned=True), taken("b", GB))
    assert (refused.kind, refused.unload) == ("refuse", ())
    assert "needs 3.0 GB of memory, and of the 4.0 GB that models may take 2.0 GB are pinned" in refused.sentence


def test_by_default_a_share_of_what_is_free_without_engines_may_be_taken() -> None:
    assert budget_of(plan(GB, free=3 * GB), 0, (taken("a", GB),)) == SHARE * 4 * GB
    assert verdict(plan(2 * GB, free=3 * GB), 0, taken("a", GB)) == Verdict("load")
    assert verdict(plan(5 * GB // 2, free=3 * GB), 0, taken("a", GB)) == Verdict("wait", (key("a"),))


def test_by_default_a_large_model_is_loaded_alone_and_one_that_the_computer_cannot_hold_is_refused() -> None:
    assert verdict(plan(6 * GB, free=4 * GB, total=8 * GB), 0, taken("a", GB)) == Verdict("wait", (key("a"),))
    assert verdict(plan(6 * GB, free=4 * GB, total=8 * GB), 0) == Verdict("load")
    refused = verdict(plan(9 * GB, free=4 * GB, total=8 * GB), 0)
    assert "wanted needs 9.0 GB of memory, and the computer has 8.0 GB" in refused.sentence


@pytest.mark.parametrize("setting", [0, GB])
def test_the_setting_is_about_the_computers_memory_and_a_card_has_its_own(setting: int) -> None:
    on_card = plan(6 * GB, free=8 * GB, total=8 * GB, device=CARD)
    assert on_card.place == CARD
    assert verdict(on_card, setting) == Verdict("load")
    refused = verdict(plan(9 * GB, free=8 * GB, total=8 * GB, device=CARD), setting)
    assert "needs 9.0 GB of memory, and the graphics card has 8.0 GB" in refused.sentence
    assert plan(GB, device="mps").place == "cpu"


def test_where_the_system_tells_nothing_everything_is_tried() -> None:
    assert verdict(plan(100 * GB, free=None, total=None), 0) == Verdict("load")
