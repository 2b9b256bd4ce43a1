"""Memory budget of engines: what is unloaded for another one, what waits, what is refused. Plain Python, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from gptdesk.ui import number_format
from gptdesk.ui.model_names import model_title
from gptdesk.ui.services.engines.plan import COMPUTER, EngineKey, Plan

SHARE: Final = 0.75
"""Of the memory that is free without engines: what they may take unless the settings say otherwise. The rest is for
texts, the token view, a training that is started meanwhile, and other programs."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Memory that an engine takes.

    Attributes:
        key: of the engine.
        memory: bytes, with a full context.
        loaded: bytes that are taken by now.
        used: counts up with each use of any engine.
        busy: whether somebody generates with it or waits for it, or it is being loaded.
        pinned: whether it stays.
        leaving: whether it is being unloaded.
    """

    key: EngineKey
    memory: int
    loaded: int
    used: int
    busy: bool
    pinned: bool
    leaving: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What is to be done for an engine that is asked for.

    Attributes:
        kind: load it; wait until other engines are idle or gone; or refuse it.
        unload: engines to unload first, the least recently used first; it waits for their end.
        sentence: why it is refused.
    """

    kind: Literal["load", "wait", "refuse"]
    unload: tuple[EngineKey, ...] = ()
    sentence: str = ""


def budget_of(plan: Plan, setting: int, engines: Sequence[Taken]) -> int | None:
    """Bytes that engines may take together in the memory of a plan's device; ``None`` for no limit.

    Args:
        plan: of the engine that is asked for.
        setting: bytes; 0 for a share of what is free, engines not counted. It is about the computer's memory.
        engines: those in the same memory.
    """
    if plan.place == COMPUTER and setting:
        return setting
    if plan.free is None or plan.place != COMPUTER:
        return plan.free
    return share_of(plan.free, engines)


def share_of(free: int, engines: Sequence[Taken]) -> int:
    """Bytes that engines may take where nobody has set a limit and ``free`` are free beside them."""
    return round(SHARE * (free + sum(engine.loaded for engine in engines)))


def judge(plan: Plan, budget: int | None, setting: int, engines: Sequence[Taken]) -> Verdict:
    """Decides whether an engine can be loaded.

    A model that is larger than a share of free memory is loaded alone, where it fits into the computer: the person was
    warned, and nobody set a limit. One that is larger than a limit that was set, or than the device, never fits.

    Args:
        plan: of the engine that is asked for.
        budget: as `budget_of` returns it.
        setting: as for `budget_of`.
        engines: those in the same memory.
    """
    if budget is None:
        return Verdict("load")
    most = budget if setting and plan.place == COMPUTER else max(budget, min(plan.need, plan.total or plan.need))
    if plan.need > most:
        return Verdict("refuse", sentence=_never_fits(plan, budget if setting else most, bool(setting)))
    pinned = sum(engine.memory for engine in engines if engine.pinned and not engine.leaving)
    if plan.need + pinned > most and pinned:
        return Verdict("refuse", sentence=_pinned_are_in_the_way(plan, most, pinned))
    if plan.need + sum(engine.memory for engine in engines) <= most:
        return Verdict("load")
    staying = [engine for engine in engines if not engine.leaving]
    left, unload = sum(engine.memory for engine in staying), []
    idle = (engine for engine in staying if not engine.busy and not engine.pinned)
    for engine in sorted(idle, key=lambda one: one.used):
        if plan.need + left <= most:
            break
        unload.append(engine.key)
        left -= engine.memory
    return Verdict("wait", tuple(unload))


def _never_fits(plan: Plan, most: int, limited: bool) -> str:
    need, room = number_format.memory(plan.need), number_format.memory(most)
    if plan.place == COMPUTER and limited:
        advice = "choose a smaller precision or model, or allow models more memory in the settings"
        return f"{_title(plan)} needs {need} of memory, and models may take {room} on this computer: {advice}."
    where = "the computer" if plan.place == COMPUTER else "the graphics card"
    return f"{_title(plan)} needs {need} of memory, and {where} has {room}: choose a smaller precision or model."


def _pinned_are_in_the_way(plan: Plan, most: int, pinned: int) -> str:
    need, room, kept = (number_format.memory(each) for each in (plan.need, most, pinned))
    return (
        f"{_title(plan)} needs {need} of memory, and of the {room} that models may take {kept} are pinned: "
        "unpin a model on the Models page."
    )


def _title(plan: Plan) -> str:
    return model_title(plan.choice.model)
