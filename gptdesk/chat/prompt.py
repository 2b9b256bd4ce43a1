"""Makes the prompt of a chat: rendered by a template, with special tokens, cut to the context by whole turns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from gptdesk.chat.special_names import SpecialNames, special_variables, unused_characters
from gptdesk.chat.templates.failure import TemplateFailed
from gptdesk.chat.templates.template import PromptTemplate, name_of
from gptdesk.chat.turns import ChatTurn
from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.inference.sampling.setting_checks import MAX_STOP_LENGTH

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_PROBES: Final = ("Jackdaws?", "Sphinx.", "Quartz?")
"""Messages of the conversation by which is found how a template ends a turn; no template contains them."""

_LARGEST_REPLY_SHARE: Final = 2
"""The reply gets at most one part in so many of the context, before it is full."""


class ChatPrompt(msgspec.Struct, frozen=True):
    """What the model reads.

    Attributes:
        mixed: the text with its special tokens.
        ids: its tokens.
        stop: strings that end the reply; a special token is the text of its name.
        left_out: indices of the turns that were left out because the context is full.
        room: tokens that the prompt may have.
    """

    mixed: MixedText
    ids: tuple[int, ...]
    stop: tuple[str, ...]
    left_out: frozenset[int]
    room: int

    @property
    def too_long(self) -> bool:
        """Whether it does not fit the context, although all turns were left out that may be."""
        return len(self.ids) > self.room


class PromptBuilder:
    """Makes prompts with a template for a model.

    Args:
        template: renders conversations.
        tokenizer: of the model.
        context: its longest context, in tokens.
    """

    def __init__(self, template: PromptTemplate, tokenizer: Tokenizer, context: int) -> None:
        self.template, self.tokenizer, self.context = template, tokenizer, context
        self._specials = special_variables(tokenizer)
        self._names = SpecialNames(tokenizer.special_tokens)
        self._length_of = lru_cache(maxsize=20_000)(lambda text: len(tokenizer.encode(text)))
        self._ends: dict[tuple[str, str], tuple[str, ...]] = {}

    def build(self, turns: Sequence[ChatTurn], *, reply_tokens: int = 0, go_on: bool = False) -> ChatPrompt:
        """The prompt for a reply to a conversation.

        Args:
            turns: in order.
            reply_tokens: tokens that the reply may have, for which room is left in the context.
            go_on: whether the last turn, one of the assistant, is continued.

        Raises:
            UserError: when the template cannot be rendered; a sentence.
        """
        turns = list(turns)
        room = self.context - min(reply_tokens, self.context // _LARGEST_REPLY_SHARE)
        try:
            kept, mixed, ids = self._fitted(turns, room, go_on)
            stop = self.stops(turns)
        except TemplateFailed as error:
            raise UserError(failure_sentence(self.template, error)) from error
        return ChatPrompt(mixed, tuple(ids), stop, frozenset(range(len(turns))) - frozenset(kept), room)

    def text(self, turns: Sequence[ChatTurn], *, reply: bool = True, go_on: bool = False) -> MixedText:
        """All of a conversation, whatever its length.

        Args:
            turns: in order.
            reply: whether it ends where the reply begins.
            go_on: as for `build`; ``reply`` counts for nothing then.

        Raises:
            TemplateFailed: when it cannot be rendered.
        """
        mark, end = unused_characters([turn.text + turn.name for turn in turns], 2)
        shielded = self._names.shield(turns, mark)
        if go_on:
            shielded[-1] = replace(shielded[-1], text=shielded[-1].text + end)
        text = self.template.render(shielded, self._specials, reply=reply and not go_on)
        if go_on:
            if end not in text:
                raise TemplateFailed("it leaves the last turn out, which can be continued with another template")
            text = text[: text.rindex(end)]
        return self._names.read(text, mark)

    def stops(self, turns: Sequence[ChatTurn]) -> tuple[str, ...]:
        """What ends a reply: what the template writes behind one, and the stop strings that it brings."""
        speakers = name_of("user", turns), name_of("assistant", turns)
        if speakers not in self._ends:
            end = self._end_of_reply(*speakers)
            strings = (*self.template.stop_strings, *((end,) if end else ()))
            self._ends[speakers] = tuple(dict.fromkeys(stop for stop in strings if len(stop) <= MAX_STOP_LENGTH))
        return self._ends[speakers]

    def _end_of_reply(self, user: str, assistant: str) -> str:
        """The special token, or the first line, that the template writes behind a reply; empty for none."""
        asked, answer, further = _PROBES
        probe = [ChatTurn("user", asked, user), ChatTurn("assistant", answer, assistant)]
        try:
            text = self.template.render([*probe, ChatTurn("user", further, user)], self._specials, reply=False)
        except TemplateFailed:
            return ""
        behind = text.partition(answer)[2].partition(further)[0]
        line = behind.lstrip()
        if special := self._names.at_start(line):
            return special
        if not line:
            return behind
        return "\n" * ("\n" in behind[: -len(line)]) + line.partition("\n")[0].rstrip()

    def _fitted(self, turns: list[ChatTurn], room: int, go_on: bool) -> tuple[list[int], MixedText, list[int]]:
        """Indices of the turns that fit the context, and the prompt of them."""
        starts = [0, *(i for i, turn in enumerate(turns) if i and turn.role == "user" and not _stays(turn))]
        shown: dict[int, tuple[list[int], MixedText, list[int]]] = {}

        def fits(choice: int) -> bool:
            kept = [i for i, turn in enumerate(turns) if i >= starts[choice] or _stays(turn)]
            mixed = self.text([turns[index] for index in kept], go_on=go_on)
            shown[choice] = kept, mixed, encode_mixed(self.tokenizer, mixed)
            return len(shown[choice][2]) <= room

        low = self._first_possible(turns, starts, room)
        if not fits(low):
            high = len(starts) - 1  # whether that fits or not, no less can be kept
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if fits(middle) else (middle, high)
            low = high
            if low not in shown:
                fits(low)
        return shown[low]

    def _first_possible(self, turns: Sequence[ChatTurn], starts: Sequence[int], room: int) -> int:
        """The first of ``starts`` from which on the messages alone, without what a template adds, fit the context."""
        room -= sum(self._length_of(turn.text) for turn in turns if _stays(turn))
        end = len(turns)
        for choice in reversed(range(len(starts))):
            room -= sum(self._length_of(turn.text) for turn in turns[starts[choice] : end] if not _stays(turn))
            if room < 0:
                return min(choice + 1, len(starts) - 1)
            end = starts[choice]
        return 0


def _stays(turn: ChatTurn) -> bool:
    """Whether a turn stays in the prompt when older ones are left out."""
    return turn.pinned or turn.role == "system"


def failure_sentence(template: PromptTemplate, error: TemplateFailed) -> str:
    """What is said of a template that cannot be rendered."""
    sentence = " ".join(error.sentence.split()) or "no reason is given"
    if error.of_author:
        return f"The chat template says: {sentence}{'' if sentence[-1] in '.!?' else '.'}"
    return f"The chat template ({template.label}) cannot be used: {sentence.rstrip('.')}; choose another one."
