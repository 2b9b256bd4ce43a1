"""Makes prompts of messages, by the chat template that a model brings or by one of ours. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.chat.prompt import PromptBuilder, failure_sentence
from gptdesk.chat.templates.failure import TemplateFailed
from gptdesk.chat.templates.of_folder import OF_MODEL, folder_templates
from gptdesk.chat.templates.process import TemplateProcess
from gptdesk.chat.templates.template import OWN_TEMPLATES
from gptdesk.errors import UserError, brief
from gptdesk.gpt2.layout import read_config

if TYPE_CHECKING:
    from gptdesk.chat.turns import ChatTurn
    from gptdesk.compare.prompt_text import Prompt

CHOICES: Final = (OF_MODEL, *(template.id for template in OWN_TEMPLATES))
"""Templates by name; `OF_MODEL` is the one that the model brings, or plain names where it brings none."""


class Conversations:
    """Renders conversations up to the reply that is asked for; `close` ends what renders the templates of strangers.

    Args:
        template: one of `CHOICES`.
        model: folder of the model whose template and special tokens count; ``None`` for GPT-2's, which has no template.

    Raises:
        UserError: when there is no such template, or the folder cannot be read.
    """

    def __init__(self, template: str = OF_MODEL, model: Path | None = None) -> None:
        if template not in CHOICES:
            raise UserError(f"There is no chat template {brief(template)}; use one of {', '.join(CHOICES)}.")
        self._wanted, self._model = template, model
        self._process = TemplateProcess()
        self._builder: PromptBuilder | None = None

    def render(self, turns: Sequence[ChatTurn]) -> Prompt:
        """The text of a conversation; replies at its end are left out, as those of training data.

        Raises:
            UserError: when the template cannot be rendered, or the model's tokenizer not be read.
        """
        turns = list(turns)
        while turns and turns[-1].role == "assistant":
            turns.pop()
        if self._builder is None:
            self._builder = self._make_builder()
        try:
            mixed = self._builder.text(turns)
        except TemplateFailed as error:
            raise UserError(failure_sentence(self._builder.template, error)) from error
        return mixed if mixed.names else mixed.text

    def close(self) -> None:
        """Ends the process that renders."""
        self._process.close()

    def _make_builder(self) -> PromptBuilder:
        from gptdesk.gpt2.tokenizers.loading import load_tokenizer
        from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer

        brought = folder_templates(self._model, self._process) if self._wanted == OF_MODEL else []
        template = next((one for one in OWN_TEMPLATES if one.id == self._wanted), OWN_TEMPLATES[0])
        if self._model is None:
            return PromptBuilder(template, gpt2_tokenizer(), 0)
        return PromptBuilder(
            brought[0] if brought else template, load_tokenizer(self._model, read_config(self._model)), 0
        )
