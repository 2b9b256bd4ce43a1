"""A request for an engine, from the moment it is made until its client has the engine or is refused."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gptdesk.ui.services.engines.engine_host import EngineClient, EngineHost
from gptdesk.ui.services.engines.plan import EngineChoice, Plan
from gptdesk.ui.services.inference_messages import Failure


class EngineRequest(msgspec.Struct, eq=False):
    """An engine that a client has asked for.

    Attributes:
        choice: what is asked for.
        client: who asks.
        got: gets the host once its engine is loaded.
        refused: gets a `Failure`; its sentence is empty after `EnginePool.cancel`.
        progressed: gets the bytes that are read, and those in all.
        plan: ``None`` while it is made.
        budget: bytes that engines may take together; ``None`` for no limit.
        host: that loads it, once there is room.
    """

    choice: EngineChoice
    client: EngineClient
    got: Callable[[EngineHost], object]
    refused: Callable[[Failure], object]
    progressed: Callable[[int, int], object]
    plan: Plan | None = None
    budget: int | None = None
    host: EngineHost | None = None
