"""What the replay dialog says. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gptdesk.store.provenance.replay import LoadedModel, Replay, reason_of_difference
from gptdesk.ui import number_format
from gptdesk.ui.decoding.escapes import write_escapes

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.ui.playground.replay.running import Replayed


def outcome(replay: Replay, found: Replayed, loaded: LoadedModel, tokenizer: Tokenizer) -> str:
    """Identical, 120 tokens; or where the two part, and what may explain it."""
    if found.parts_at is None:
        cut = replay.origin.prompt_tokens
        now = found.origin.prompt_tokens
        note = "" if cut in (None, now) else " although its prompt is cut differently now"
        return f"Identical{note}, {number_format.tokens(len(replay.ids))}."
    same = found.parts_at
    before = _piece(tokenizer, [*replay.ids], same)
    after = _piece(tokenizer, [token.id for token in found.tokens], same)
    first = f"The first {number_format.tokens(same)} are identical; then " if same else "It parts at the first token: "
    sentence = f"{first}{before} became {after}."
    computed = replace(loaded, runtime=found.origin.runtime)  # by PyTorch, where the model is changed
    return f"{sentence} {reason_of_difference(replay.origin, computed)}".strip()


def _piece(tokenizer: Tokenizer, ids: list[int], index: int) -> str:
    return f"“{write_escapes(tokenizer.piece(ids[index]))}”" if index < len(ids) else "the end"
