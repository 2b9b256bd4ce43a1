"""The chat templates that a model's folder brings, rendered in a sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.chat.templates.process import TemplateProcess
from gptdesk.chat.templates.template import OWN_TEMPLATES, OwnTemplate, PromptTemplate
from gptdesk.chat.turns import ChatTurn
from gptdesk.gpt2.chat_template import TEMPLATES
from gptdesk.gpt2.tokenizer_files import DEFAULT_TEMPLATE_NAME, read_chat_formats

OF_MODEL: Final = "model"
"""Id of the template that a model brings; of others with a name, this, a colon and the name."""

_TOOLS: Final = re.compile(r"\btools\b")
_TOOLS_NOTICE: Final = "It can also describe tools, which a chat here does not have."


@dataclass(frozen=True)
class FolderTemplate:
    """A `PromptTemplate` in Jinja.

    Attributes:
        name: as the folder names it.
        source: in Jinja.
        process: renders it.
    """

    name: str
    source: str
    stop_strings: tuple[str, ...]
    process: TemplateProcess = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        return template_id(self.name)

    @property
    def label(self) -> str:
        return template_label(self.name)

    @property
    def notice(self) -> str:
        return _TOOLS_NOTICE if _TOOLS.search(self.source) else ""

    def render(self, turns: Sequence[ChatTurn], specials: Mapping[str, str], *, reply: bool) -> str:
        variables = {"messages": [to_message(turn) for turn in turns], "tools": None, "documents": None}
        return self.process.render(self.source, {**variables, "add_generation_prompt": reply, **specials})


class TrainedTemplate(msgspec.Struct, frozen=True):
    """A `PromptTemplate`: one of ours that a model brings because its training data was prepared with it.

    Attributes:
        own: the template.
        name: as the folder names it.
    """

    own: OwnTemplate
    name: str
    stop_strings: tuple[str, ...]
    notice: str = ""

    @property
    def id(self) -> str:
        return template_id(self.name)

    @property
    def label(self) -> str:
        return f"{template_label(self.name)}, from its training data: {self.own.label}"

    def render(self, turns: Sequence[ChatTurn], specials: Mapping[str, str], *, reply: bool) -> str:
        return self.own.render(turns, specials, reply=reply)


def template_id(name: str) -> str:
    """The id of a template that a folder names so."""
    return OF_MODEL if name == DEFAULT_TEMPLATE_NAME else f"{OF_MODEL}:{name}"


def template_label(name: str) -> str:
    """What a template is called in the window that a folder names so."""
    return "The model's own" if name == DEFAULT_TEMPLATE_NAME else f"The model's own: {name}"


def to_message(turn: ChatTurn) -> dict[str, Any]:
    """A turn as templates know it."""
    named = {"name": turn.name} if turn.name else {}
    return {"role": turn.role, "content": turn.text, **named}


def folder_templates(folder: Path | None, process: TemplateProcess) -> list[PromptTemplate]:
    """The templates that a model's folder brings, the usual one first; none where it has none, or is ``None``."""
    templates: list[PromptTemplate] = []
    for name, form in (read_chat_formats(folder) if folder is not None else {}).items():
        own = next((one for one in _OWN if TEMPLATES[one.id].jinja == form.chat_template), None)
        if own is None:
            templates.append(FolderTemplate(name, form.chat_template, form.stop_strings, process))
        else:
            templates.append(TrainedTemplate(own, name, form.stop_strings))
    return templates


_OWN: Final = [one for one in OWN_TEMPLATES if isinstance(one, OwnTemplate)]
