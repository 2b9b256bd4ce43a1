"""What every chat template does, and our own ones: plain names, Alpaca, ChatML, DialoGPT's turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from gptdesk.chat.turns import ChatTurn
from gptdesk.gpt2.chat_template import ALPACA, CHATML, PLAIN, ChatTemplate, Role, Turn, TurnFormat

END_OF_TEXT_ROLE: Final = "eos_token"
"""The variable of templates that names the token with which a text ends."""


class PromptTemplate(Protocol):
    """Makes the text of a prompt of a conversation.

    Attributes:
        id: as settings keep it.
        label: in the window.
        notice: a sentence about it, for the person; empty for none.
        stop_strings: end a reply, besides what ends a turn in the rendered text.
    """

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def notice(self) -> str: ...
    @property
    def stop_strings(self) -> tuple[str, ...]: ...

    def render(self, turns: Sequence[ChatTurn], specials: Mapping[str, str], *, reply: bool) -> str:
        """The text of a conversation.

        Args:
            turns: in order.
            specials: names of special tokens by the variables of templates, such as "eos_token".
            reply: whether the text ends where the reply of the assistant begins.

        Raises:
            TemplateFailed: when it cannot be rendered.
        """
        ...


class OwnTemplate(msgspec.Struct, frozen=True):
    """A `PromptTemplate` with which data can be prepared for training, too.

    Attributes:
        form: the text around each turn.
        names_speakers: whether the names of the speakers stand in the place of the titles of roles.
    """

    form: ChatTemplate
    names_speakers: bool = False
    notice: str = ""

    @property
    def id(self) -> str:
        return self.form.name

    @property
    def label(self) -> str:
        return self.form.label

    @property
    def stop_strings(self) -> tuple[str, ...]:
        return self.form.stop_strings

    def render(self, turns: Sequence[ChatTurn], specials: Mapping[str, str], *, reply: bool) -> str:
        if not self.names_speakers:
            return self.form.render([Turn(turn.role, turn.text) for turn in turns], add_generation_prompt=reply)
        text = "".join(self._named(turn).render([Turn(turn.role, turn.text)]) for turn in turns)
        return text + self._named(ChatTurn("assistant", "", name_of("assistant", turns))).assistant.header * reply

    def _named(self, turn: ChatTurn) -> ChatTemplate:
        """The format with the name of a turn's speaker."""
        if not turn.name:
            return self.form
        usual = self.form.format_of(turn.role)
        changes: dict[str, Any] = {turn.role: TurnFormat(f"{turn.name}:", usual.before, usual.after)}
        return replace(self.form, **changes)


class EndOfTextTemplate(msgspec.Struct, frozen=True):
    """A `PromptTemplate`: DialoGPT's. Each turn ends with the token that ends a text; there are no roles.

    Zhang et al., "DialoGPT: Large-Scale Generative Pre-training for Conversational Response Generation", section 3.
    """

    id: str = "dialogpt"
    label: str = "DialoGPT: each turn ends with end of text"
    notice: str = "It has no place for a system text, which the model does not see."
    stop_strings: tuple[str, ...] = ()

    def render(self, turns: Sequence[ChatTurn], specials: Mapping[str, str], *, reply: bool) -> str:
        end = specials.get(END_OF_TEXT_ROLE, "")
        return "".join(turn.text + end for turn in turns if turn.role != "system")


def name_of(role: Role, turns: Sequence[ChatTurn]) -> str:
    """The name that the last turn of a role has; empty where it has none."""
    return next((turn.name for turn in reversed(turns) if turn.role == role), "")


OWN_TEMPLATES: Final[tuple[PromptTemplate, ...]] = (
    OwnTemplate(PLAIN, names_speakers=True),
    OwnTemplate(ALPACA),
    OwnTemplate(CHATML),
    EndOfTextTemplate(),
)
"""Templates that every model can be used with; the first is for models that bring none."""
