"""How status bars show what a model is doing: the colour of a dot, and words."""

from __future__ import annotations

from typing import Final

from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.widgets.status_dot import StatusDot

_STATES: Final = {
    State.EMPTY: ("muted", "No model"),
    State.LOADING: ("warn", "Loading"),
    State.READY: ("good", "Ready"),
    State.GENERATING: ("accent", "Generating"),
    State.STOPPING: ("accent", "Stopping"),
}


def show_state(dot: StatusDot, state: State) -> str:
    """Colours a dot, which is a ring while something is waited for; returns the words beside it."""
    role, words = _STATES[state]
    dot.set_state(role, ring=state in (State.LOADING, State.STOPPING))
    return words
