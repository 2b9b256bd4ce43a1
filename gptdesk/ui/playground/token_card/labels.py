"""What the token card and the next-token block say. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptdesk.inference.sampling.fields import Setting
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.ui import number_format
from gptdesk.ui.decoding.escapes import write_escapes

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.inspection import Inspection
    from gptdesk.inference.sampling.xray import Stage, XRay
    from gptdesk.ui.playground.token_card.place import TokenPlace


@dataclass(frozen=True)
class Candidate:
    """A token that could be chosen.

    Attributes:
        id: of the token.
        text: as people see it, with marks for spaces and line ends.
        piece: its text; holds U+FFFD where it is a part of a character.
        insertable: whether a person can put it into the text: whether it is a text that can stand by itself.
        before: probability in the model's own distribution.
        after: probability after all samplers.
        cut_by: title of the sampler that removed it; empty where none did.
    """

    id: int
    text: str
    piece: str
    insertable: bool
    before: float
    after: float
    cut_by: str

    @property
    def outcome(self) -> str:
        """Its probability, or who removed it."""
        return self.cut_by or percent(self.after)


def candidates(shown: XRay, tokenizer: Tokenizer, count: int) -> list[Candidate]:
    """The ``count`` most likely tokens of the model's own distribution, the most likely first."""
    raw = shown.stages[0].probs
    best = raw.argpartition(max(0, len(raw) - count))[-count:]
    return [candidate(shown, tokenizer, id) for id in best[(-raw[best]).argsort(kind="stable")].tolist()]


def candidate(shown: XRay, tokenizer: Tokenizer, id: int) -> Candidate:
    """One token as a candidate."""
    piece = tokenizer.piece(id)
    insertable = bool(piece) and "\ufffd" not in piece and id not in tokenizer.special_tokens.values()
    before = float(shown.stages[0].probs[id])
    return Candidate(id, token_text(piece), piece, insertable, before, share_of(shown, id), removed_by(shown, id))


def removed_by(shown: XRay, id: int) -> str:
    """Title of the sampler that removed a token; empty where none did."""
    return next((stage.title for stage in shown.stages if not stage.left[id]), "")


def share_of(shown: XRay, id: int) -> float:
    """Probability of a token after all samplers."""
    place = int(shown.ids.searchsorted(id))
    return float(shown.probs[place]) if place < len(shown.ids) and shown.ids[place] == id else 0.0


def token_text(piece: str) -> str:
    """A token with marks for spaces at its ends and for line ends."""
    return write_escapes(piece)


def percent(share: float) -> str:
    """31 %, 3.1 %, 0.03 %, under 0.01 %: as many digits as small shares need."""
    digits = 0 if share >= 0.0995 else 1 if share >= 0.00995 else 2
    if 0 < share < 0.00005:
        return f"under {number_format.decimal(0.01, 2)} %"
    return f"{number_format.decimal(100 * share, digits)} %"


def stage_sentences(shown: XRay, settings: DecodingSettings) -> list[str]:
    """What each sampler does to the distribution, one sentence each."""
    pairs = zip(shown.stages, shown.stages[1:], strict=False)
    return [stage_sentence(before, after, settings) for before, after in pairs]


def stage_sentence(before: Stage, after: Stage, settings: DecodingSettings) -> str:
    """Top-p 0.95 keeps 23 of 50,257 (95 %): the last is the probability that those had before."""
    name = ", ".join(_with_value(SETTINGS[one], getattr(settings, one)) for one in after.settings)
    if len(after.cut):
        kept, all = number_format.count(after.count), number_format.count(before.count)
        where = ", where it acts," if after.by_chance else ""
        return f"{name}{where} keeps {kept} of {all} ({percent(after.mass)})"
    if (before.probs == after.probs).all():
        return f"{name} changes nothing here"
    best = int(before.probs.argmax())
    return f"{name}: most likely {percent(float(before.probs[best]))} → {percent(float(after.probs[best]))}"


def next_sentence(shown: XRay, seed: int | None, tokenizer: Tokenizer) -> str:
    """How many tokens can come next, and which one does, where that is settled."""
    left = number_format.tokens(len(shown.ids))
    if shown.draw is None:
        return f"{left} can be chosen with the settings."
    piece = token_text(tokenizer.piece(shown.draw.id))
    if shown.draw.number is None:
        return f"Temperature 0 takes “{piece}”."
    return f"{left} can be chosen with the settings; the seed {seed} draws “{piece}”."


def why(place: TokenPlace, found: Inspection, id: int, model: str) -> str:
    """Why this token stands there, in a sentence; ``model`` is the one in use."""
    shown = found.xray
    if place.origin is not None and place.origin.model != model:
        return f"It was generated by {Path(place.origin.model).name}; the figures are those of the model in use."
    cut_by = removed_by(shown, id)
    if place.origin is None:
        if cut_by:
            return f"It was typed. The settings would not choose it: {cut_by} removes it."
        if not share_of(shown, id):
            return "It was typed. The settings would choose another one."
        return f"It was typed. The settings would choose it with {percent(share_of(shown, id))}."
    if cut_by:
        return f"{cut_by} would remove it now: its distribution was slightly different when it was generated."
    if place.settings.greedy:
        return "Temperature 0 takes the most likely token."
    left = number_format.count(len(shown.ids))
    text = f"{left} tokens were left, and this one had {percent(share_of(shown, id))}"
    if len(shown.ids) == 1:
        return "It was the only token left."
    if shown.draw is None or shown.draw.id != id or shown.draw.number is None or not found.exact:
        return f"{text}."
    low, high = _span(shown.ids.tolist(), shown.probs.tolist(), id)
    number, low_text, high_text = (number_format.decimal(value, 3) for value in (shown.draw.number, low, high))
    return f"{text}: the random number {number} lies in its part of the line, {low_text} to {high_text}."


def _span(ids: Sequence[int], probs: Sequence[float], id: int) -> tuple[float, float]:
    """Where the token's part of the line from 0 to 1 begins and ends."""
    place = ids.index(id)
    low = sum(probs[:place])
    return low, low + probs[place]


def _with_value(setting: Setting, value: Any) -> str:
    if setting.limit is None:
        return setting.title
    if setting.word and value == setting.word_value:
        return f"{setting.title} {setting.word}"
    return f"{setting.title} {number_format.decimal(value, setting.decimals)}"
