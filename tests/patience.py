"""How long a test waits for what must happen: it ends at once when that does, so a busy machine costs nothing."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 300.0
"""Seconds."""


def wait_for(condition: Callable[[], Any], what: str = "it", *, alive: Callable[[], bool] = lambda: True) -> Any:
    """What ``condition`` returns once that is true; fails when it never is, or when what it waits for has died."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        if not alive() and not (result := condition()):
            raise AssertionError(f"ended before {what} happened")
        if result:
            break
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.005)
    return result
