"""Chat templates: render a conversation as the text that a model reads and is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

Role = Literal["system", "user", "assistant"]
ROLES: Final[tuple[Role, ...]] = ("system", "user", "assistant")


class Turn(NamedTuple):
    """One turn of a conversation."""

    role: Role
    content: str


class TurnFormat(msgspec.Struct, frozen=True):
    """The text around the content of a turn: ``header`` + ``before`` + content + ``after``.

    Attributes:
        header: names the role. The assistant's is the generation prompt: the model continues from its end.
        before: between header and content; the model generates it in an assistant's turn.
        after: ends the turn; the model generates it in an assistant's turn.
    """

    header: str
    before: str = ""
    after: str = "\n"


class ChatTemplate(msgspec.Struct, frozen=True):
    """How conversations become text.

    Attributes:
        name: in options and manifests.
        label: in the window.
        system, user, assistant: format of each role's turns.
        default_system: content of a system turn that is put before conversations without one; empty: none.
        input_separator: between instruction and input of an instruction record, which become one turn of the user.
        stop_strings: end a completion.
    """

    name: str
    label: str
    system: TurnFormat
    user: TurnFormat
    assistant: TurnFormat
    default_system: str = ""
    input_separator: str = "\n\n"
    stop_strings: tuple[str, ...] = ()

    def format_of(self, role: Role) -> TurnFormat:
        """The text around a turn of this role."""
        return {"system": self.system, "user": self.user, "assistant": self.assistant}[role]

    def render(self, turns: Sequence[Turn], *, add_generation_prompt: bool = False) -> str:
        """The text of a conversation, as ``apply_chat_template`` of `transformers` renders `jinja`.

        Args:
            turns: in order.
            add_generation_prompt: whether to append the assistant's header, for a completion.
        """
        text = "".join(text for text, _ in self._parts(turns))
        return text + self.assistant.header if add_generation_prompt else text

    def segments(self, turns: Sequence[Turn]) -> tuple[str, ...]:
        """The text up to the last turn of the assistant, cut where the training loss is switched on or off.

        Segments with and without loss alternate, and the last one has loss: segment i has it where the number of
        segments after it is even. Loss is on what the model generates: the assistant's turns without their headers.

        Args:
            turns: in order, at least one of the assistant.

        Raises:
            ValueError: when none is the assistant's.
        """
        last = max((i for i, turn in enumerate(turns) if turn.role == "assistant"), default=None)
        if last is None:
            raise ValueError("no turn is the assistant's")
        segments: list[str] = []
        before = None
        for text, has_loss in self._parts(turns[: last + 1]):
            if has_loss == before:
                segments[-1] += text
            else:
                segments.append(text)
            before = has_loss
        return tuple(segments)

    def _parts(self, turns: Sequence[Turn]) -> Iterable[tuple[str, bool]]:
        """Pieces of text, and whether the model generates each."""
        if self.default_system and (not turns or turns[0].role != "system"):
            turns = (Turn("system", self.default_system), *turns)
        for role, content in turns:
            form = self.format_of(role)
            yield form.header, False
            yield form.before + content + form.after, role == "assistant"

    @property
    def jinja(self) -> str:
        """The template in Jinja, for ``chat_template`` in ``tokenizer_config.json``."""
        default = ""
        if self.default_system:
            begin = self.system.header + self.system.before + self.default_system + self.system.after
            default = (
                f"{{% if not messages or messages[0]['role'] != 'system' %}}{{{{ {_literal(begin)} }}}}{{% endif %}}"
            )
        branches = ""
        for role in ROLES:
            form = self.format_of(role)
            expression = f"{_literal(form.header + form.before)} + message['content'] + {_literal(form.after)}"
            branches += f"{{% {'elif' if branches else 'if'} message['role'] == '{role}' %}}{{{{ {expression} }}}}"
        known = ", ".join(ROLES)
        return (
            f"{default}{{% for message in messages %}}{branches}"
            f"{{% else %}}{{{{ raise_exception('Roles are {known}') }}}}{{% endif %}}{{% endfor %}}"
            f"{{% if add_generation_prompt %}}{{{{ {_literal(self.assistant.header)} }}}}{{% endif %}}"
        )


def _literal(text: str) -> str:
    """A string literal of Jinja."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


PLAIN: Final = ChatTemplate(
    name="plain",
    label="User: ... Assistant: ...",
    system=TurnFormat("System:", " "),
    user=TurnFormat("User:", " "),
    assistant=TurnFormat("Assistant:", " "),
    stop_strings=("\nUser:",),
)

ALPACA: Final = ChatTemplate(
    name="alpaca",
    label="### Instruction: ... ### Response: ...",
    system=TurnFormat("", "", "\n\n"),
    user=TurnFormat("### Instruction:\n", "", "\n\n"),
    assistant=TurnFormat("### Response:\n", "", "\n\n"),
    default_system="Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.",
    input_separator="\n\n### Input:\n",
    stop_strings=("\n### Instruction:",),
)
"""Stanford Alpaca's (https://github.com/tatsu-lab/stanford_alpaca), with the same introduction for records with and
without input."""

CHATML: Final = ChatTemplate(
    name="chatml",
    label="<|im_start|>user ... <|im_end|>",
    system=TurnFormat("<|im_start|>system\n", "", "<|im_end|>\n"),
    user=TurnFormat("<|im_start|>user\n", "", "<|im_end|>\n"),
    assistant=TurnFormat("<|im_start|>assistant\n", "", "<|im_end|>\n"),
    stop_strings=("<|im_end|>",),
)
"""OpenAI's ChatML. In GPT-2's vocabulary its marks are plain text of several tokens."""

TEMPLATES: Final = {template.name: template for template in (PLAIN, ALPACA, CHATML)}
"""All templates by name; the first is the default."""

DEFAULT_TEMPLATE: Final = PLAIN.name
