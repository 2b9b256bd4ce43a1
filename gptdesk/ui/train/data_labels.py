"""Labels of prepared data, and of data that is being prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gptdesk.ui import number_format

if TYPE_CHECKING:
    from gptdesk.training.data.preparations import PreparationState, PreparedSet

CAN_GO_ON: Final = ("paused", "stopped", "killed", "failed")

_PHASES: Final = {
    "planning": "Looking through the files",
    "vocabulary": "Making the vocabulary",
    "encoding": "Turning text into tokens",
    "merging": "Writing the data",
    "paused": "Paused; the finished part is kept",
    "stopped": "Stopped; the finished part is kept",
    "killed": "Interrupted; the finished part is kept",
    "failed": "Could not be prepared",
    "finished": "Ready",
}
_SHORT: Final = {
    "paused": "paused",
    "stopped": "paused",
    "killed": "interrupted",
    "failed": "failed",
    "finished": "ready",
}
_ROLES: Final = {"paused": "muted", "stopped": "muted", "killed": "warn", "failed": "bad", "finished": "good"}


def vocabulary_label(data: PreparedSet) -> str:
    """GPT-2's vocabulary; vocabulary of 8,192 tokens; vocabulary of characters, 66 tokens."""
    from gptdesk.training.data.vocabulary import CHARACTER  # it loads much, and this module is loaded with the window

    if data.tokenizer.is_gpt2:
        return "GPT-2's vocabulary"
    tokens = f"{number_format.count(data.tokenizer.vocab_size)} tokens"
    return f"vocabulary of characters, {tokens}" if data.vocabulary.kind == CHARACTER else f"vocabulary of {tokens}"


def data_role(state: PreparationState) -> str:
    """Role of the colour of its state."""
    return _ROLES.get(state.state, "accent")


def data_state_words(state: PreparationState) -> str:
    """Preparing · 41 %."""
    words = _SHORT.get(state.state, "preparing")
    counts = state.share and state.state not in ("failed", "finished")
    return f"{words} · {number_format.percent(state.share)}" if counts else words


def data_detail_words(state: PreparationState) -> str:
    """12,000 tokens/s · 3 min left."""
    if state.state == "failed":
        return state.error
    parts = [number_format.speed(state.tokens_per_s)] if state.active and state.tokens_per_s else []
    parts += (
        [f"{number_format.span(state.seconds_left)} left"] if state.active and state.seconds_left is not None else []
    )
    return " · ".join(parts) or (f"{number_format.parameters(state.tokens)} tokens" if state.tokens else "")


def describe(state: PreparationState) -> str:
    """State, counts, speed and time left, in a line or two."""
    if state.state == "failed" and state.error:
        return state.error
    parts = [_PHASES.get(state.state, state.state)]
    if state.state in ("vocabulary", "encoding", "merging"):
        parts[0] += f" · {number_format.percent(state.share)}"
    if state.tokens:
        parts.append(
            f"{number_format.count(state.documents)} documents, {number_format.parameters(state.tokens)} tokens"
        )
    if state.active and state.tokens_per_s:
        parts.append(number_format.speed(state.tokens_per_s))
    if state.active and state.download:
        parts.append(f"{number_format.memory(state.downloaded)} of {number_format.memory(state.download)} downloaded")
    if state.active and state.seconds_left is not None:
        parts.append(f"{number_format.span(state.seconds_left)} left")
    if state.broken:
        parts.append(f"{number_format.count(state.broken)} left out")
    return " · ".join(parts)
