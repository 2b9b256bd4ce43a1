"""Chat templates: render the turns of a conversation as the text that a model reads and is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Role = Literal["system", "user", "assistant"]
ROLES: Final[tuple[Role, ...]] = ("system", "user", "assistant")


class Turn(NamedTuple):
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class TurnFormat:
    """The text around what one role says: ``header`` + ``before`` + content + ``after``.

    Attributes:
        header: names the role. That of the assistant is the generation prompt: the model continues from its end.
        before: between header and content; of an assistant's turn the model writes it.
        after: ends the turn; of an assistant's turn the model writes it.
    """

    header: str
    before: str = ""
    after: str = "\n"


@dataclass(frozen=True)
class ChatTemplate:
    """How conversations become text.

    Attributes:
        name: for options and manifests.
        label: for a person to read.
        system, user, assistant: formats of the turns of each role.
        default_system: begins a conversation that does not begin with a system turn; none when empty.
        input_separator: between instruction and input where an instruction record is a turn of the user.
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
            add_generation_prompt: whether the assistant is to write next.
        """
        text = "".join(text for text, _ in self._parts(turns))
        return text + self.assistant.header if add_generation_prompt else text

    def segments(self, turns: Sequence[Turn]) -> tuple[str, ...]:
        """The text up to the last turn of the assistant, in segments that are given and learnt in turn.

        The last segment is learnt, so segment i is learnt where the number of those after it is even. What the model
        is to write is learnt: of the assistant's turns all but the header.

        Args:
            turns: one of the assistant among them.

        Raises:
            ValueError: when none is the assistant's.
        """
        last = max((i for i, turn in enumerate(turns) if turn.role == "assistant"), default=None)
        if last is None:
            raise ValueError("no turn is the assistant's")
        segments: list[str] = []
        before = None
        for text, learnt in self._parts(turns[: last + 1]):
            if learnt == before:
                segments[-1] += text
            else:
                segments.append(text)
            before = learnt
        return tuple(segments)

    def _parts(self, turns: Sequence[Turn]) -> Iterable[tuple[str, bool]]:
        """Pieces of text, and whether the model is to write each."""
        if self.default_system and (not turns or turns[0].role != "system"):
            turns = (Turn("system", self.default_system), *turns)
        for role, content in turns:
            form = self.format_of(role)
            yield form.header, False
            yield form.before + content + form.after, role == "assistant"

    @property
    def jinja(self) -> str:
        """The template as ``chat_template`` of ``tokenizer_config.json`` has it."""
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
"""Stanford Alpaca's (https://github.com/tatsu-lab/stanford_alpaca), with one introduction for records with an input
and without."""

CHATML: Final = ChatTemplate(
    name="chatml",
    label="<|im_start|>user ... <|im_end|>",
    system=TurnFormat("<|im_start|>system\n", "", "<|im_end|>\n"),
    user=TurnFormat("<|im_start|>user\n", "", "<|im_end|>\n"),
    assistant=TurnFormat("<|im_start|>assistant\n", "", "<|im_end|>\n"),
    stop_strings=("<|im_end|>",),
)
"""OpenAI's ChatML; its marks are plain text in GPT-2's vocabulary, several tokens each."""

TEMPLATES: Final = {template.name: template for template in (PLAIN, ALPACA, CHATML)}
"""Those that can be chosen, by name; the first is the default."""

DEFAULT_TEMPLATE: Final = PLAIN.name


def find_template(jinja: str) -> ChatTemplate | None:
    """The template that writes this ``chat_template``; None for one that is not of ours."""
    return next((template for template in TEMPLATES.values() if template.jinja == jinja), None)
