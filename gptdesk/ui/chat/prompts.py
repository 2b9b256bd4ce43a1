"""Makes prompts of chats in the background: templates of the model in use, and the one that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.chat.prompt import ChatPrompt, PromptBuilder
from gptdesk.chat.templates.of_folder import folder_templates
from gptdesk.chat.templates.process import TemplateProcess
from gptdesk.chat.templates.template import OWN_TEMPLATES, PromptTemplate
from gptdesk.chat.turns import ChatTurn
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.inference_messages import ModelInfo
from gptdesk.ui.services.services import InferenceService

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_END_MS: Final = 15_000


class _Model(msgspec.Struct, frozen=True):
    """What of a model a prompt depends on."""

    tokenizer: Tokenizer
    context: int
    folder: Path | None


class ChatPrompts(QObject):
    """The templates for the model in use, and prompts made with one of them.

    Attributes:
        templates: that the person may choose from; the model's own come first.
        template: the one that prompts are made with.
        of_model: how many of them the model brings: without one it was probably not trained on dialogue.

    Signals:
        changed(): emitted when there are other templates, or another one is used.
    """

    changed = Signal()

    def __init__(self, inference: InferenceService, parent: QObject) -> None:
        super().__init__(parent)
        self._inference = inference
        self._queue = TaskQueue("chat prompts", self)
        self._process = TemplateProcess()
        self._model: _Model | None = None
        self._wanted = ""
        self._builder: PromptBuilder | None = None
        self.templates: tuple[PromptTemplate, ...] = OWN_TEMPLATES
        self.of_model = 0
        self.known = False  # whether the templates are those of the model in use
        inference.state_changed.connect(self._on_model_changed)
        self._on_model_changed()

    @property
    def template(self) -> PromptTemplate:
        return next((one for one in self.templates if one.id == self._wanted), self.templates[0])

    def use(self, id: str) -> None:
        """Makes prompts with the template of that id; where the model in use has none such, with the first one."""
        if id != self._wanted:
            self._wanted = id
            self._use_template()

    def build(
        self,
        turns: Sequence[ChatTurn],
        reply_tokens: int,
        done: Callable[[ChatPrompt], object],
        failed: Callable[[str], object],
        *,
        go_on: bool = False,
    ) -> None:
        """Makes a prompt in the background; the templates of the model must be known.

        Args:
            turns: of the chat.
            reply_tokens: how long the reply may become.
            done: gets the prompt.
            failed: gets a sentence.
            go_on: whether the last turn is continued.
        """
        builder = self._builder
        assert builder is not None, "a model is loaded, and its templates are known"
        turns = tuple(turns)
        self._queue.run(lambda: builder.build(turns, reply_tokens=reply_tokens, go_on=go_on), done, failed)

    def close(self) -> None:
        """Ends the work and the process that renders."""
        self._process.close()
        self._queue.shut_down(_END_MS)
        self._process.close()

    @Slot()
    def _on_model_changed(self) -> None:
        model = _model_of(self._inference.info)
        if model != self._model:
            self._model, self.known, self._builder = model, False, None
            if model is None:
                self.changed.emit()
            else:
                self._queue.run(
                    lambda: folder_templates(model.folder, self._process),
                    lambda found: self._on_found(model, found),
                )

    def _on_found(self, model: _Model, found: list[PromptTemplate]) -> None:
        if model == self._model:
            self.templates, self.of_model, self.known = (*found, *OWN_TEMPLATES), len(found), True
            self._use_template()

    def _use_template(self) -> None:
        model = self._model
        if model is not None and self.known:
            self._builder = PromptBuilder(self.template, model.tokenizer, model.context)
        self.changed.emit()


def _model_of(info: ModelInfo | None) -> _Model | None:
    return _Model(info.tokenizer, info.context, info.folder) if info is not None else None
