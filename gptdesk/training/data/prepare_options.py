"""What a preparation is asked for, as flags of `trainer prepare`, and read back from the plan of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE
from gptdesk.training.data.vocabulary import GPT2_VOCABULARY, Vocabulary
from trainer.data.manifest import LARGEST_MANIFEST
from trainer.prepare.plan import PLAN
from trainer.prepare.sources.names import absolute_source

RECORD: Final = ".prepare.json"
"""File of a preparation that the window started; hidden, because `trainer prepare` refuses a folder that holds more."""

OPTIONS: Final = "options"
"""Key of the options in it."""


@dataclass(frozen=True)
class PrepareOptions:
    """What is to be prepared.

    Attributes:
        sources: files, folders or names of data sets of the hub.
        validation: what the validation split is made of; else a share of the documents.
        column: name of the text in JSON objects and tables.
        validation_share: of the documents, when no ``validation`` is given; ``None`` for the trainer's default.
        template: name of the chat template that turns of conversations are written with.
        learn_prompts: whether all of a record is learnt, not only what the model is to write.
        weights: how often the training text of each source is in the result; empty where each is once.
        seed: of the order of documents.
        vocabulary: that the text is prepared with.
    """

    sources: tuple[str, ...]
    validation: tuple[str, ...] = ()
    column: str = "text"
    validation_share: float | None = None
    template: str = DEFAULT_TEMPLATE
    learn_prompts: bool = False
    weights: tuple[float, ...] = ()
    seed: int = 0
    vocabulary: Vocabulary = GPT2_VOCABULARY

    def arguments(self, folder: Path) -> list[str]:
        """The command line of `trainer prepare` that prepares it into ``folder``."""
        sources = [*map(absolute_source, self.sources)]
        arguments = [*sources, "--out", str(folder.absolute()), "--column", self.column]
        if self.validation:
            arguments += ["--val", *map(absolute_source, self.validation)]
        if self.validation_share is not None:
            arguments += ["--val-share", str(self.validation_share)]
        if self.template != DEFAULT_TEMPLATE:
            arguments += ["--template", self.template]
        if self.learn_prompts:
            arguments += ["--learn-prompts"]
        for source, weight in zip(sources, self.weights, strict=False):
            arguments += ["--weight", f"{source}={weight}"]
        if self.seed:
            arguments += ["--seed", str(self.seed)]
        return arguments + list(self.vocabulary.arguments)


def options_of(folder: Path) -> PrepareOptions:
    """What the data in a folder is, or is being, prepared from.

    Its vocabulary is GPT-2's where the preparation was not started by the window.

    Raises:
        UserError: when it is not known: the folder has no record and no plan, or a damaged one.
    """
    record, plan = read_json(folder / RECORD) or {}, {}
    if OPTIONS not in record:
        request = (read_json(folder / PLAN, largest=LARGEST_MANIFEST) or {}).get("request")
        plan = (
            {key: value for key, value in request.items() if key != "vocabulary"} if isinstance(request, dict) else {}
        )
    try:
        return msgspec.convert(record.get(OPTIONS, plan), PrepareOptions)
    except msgspec.ValidationError:
        raise UserError(f"It is not known what {folder} was prepared from; drop the text again.") from None
