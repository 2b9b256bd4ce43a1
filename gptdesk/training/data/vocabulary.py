"""The vocabulary of training data: which can be chosen, which prepared data has, and how densely each writes a text."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.errors import UserError
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.training.trainer_json import trainer_json
from trainer.data.tokenizer import TOKENIZER, DataTokenizer
from trainer.prepare.sources.names import absolute_source
from trainer.prepare.tokenizer_training.measure import GPT2, SIZES, Densities, Density
from trainer.prepare.tokenizer_training.train import BPE, CHARACTER
from trainer.prepare.tokenizer_training.typical import TYPICAL_GPT2, typical_bytes_per_token

__all__ = ["BPE", "CHARACTER", "FOLDER", "GPT2", "GPT2_VOCABULARY", "SIZES", "DataTokenizer", "Densities", "Density",
           "Vocabulary", "density_of", "measure", "tokenizer_of_model", "vocabulary_of"]  # fmt: skip

FOLDER: Final = "folder"
"""Kind of a vocabulary whose tokenizer is given: a model's, or one that was made elsewhere."""


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary that text can be prepared with.

    Attributes:
        kind: `GPT2`, `FOLDER`, or a kind that the trainer makes from the text, as `BPE` and `CHARACTER`.
        size: tokens that `BPE` is to have; 0 for the other kinds.
        folder: with the tokenizer's files, of `FOLDER`.
    """

    kind: str = GPT2
    size: int = 0
    folder: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Flags of `trainer prepare`."""
        if self.kind == GPT2:
            return ()
        if self.kind == FOLDER:
            return ("--tokenizer", self.folder)
        return ("--vocabulary", self.kind, *(("--vocab-size", str(self.size)) if self.size else ()))

    @property
    def suffix(self) -> str:
        """Ends the names of data that has it, so that data of another vocabulary is told apart; "" for GPT-2's."""
        if self.kind == FOLDER:
            return f"-{Path(self.folder).name}"
        return "" if self.kind == GPT2 else f"-{self.size or self.kind}"


GPT2_VOCABULARY: Final = Vocabulary()


def vocabulary_of(folder: Path, manifest: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary that prepared data was made with.

    Args:
        folder: of the data.
        manifest: as `read_manifest` returns it.

    Raises:
        TypeError, ValueError: when the manifest is damaged.
    """
    settings = manifest.get("settings", {})
    if kind := settings.get("vocabulary"):
        return Vocabulary(str(kind), int(settings.get("vocab_size", 0)))
    if DataTokenizer.from_manifest(manifest).is_gpt2:
        return GPT2_VOCABULARY
    return Vocabulary(FOLDER, folder=str(folder / TOKENIZER))


def tokenizer_of_model(folder: Path) -> DataTokenizer:
    """The tokenizer of a model, which data for it must have.

    Raises:
        UserError: when the model or its tokenizer cannot be read, or no token ends a text.
    """
    tokenizer = load_tokenizer(folder, read_config(folder))
    if tokenizer.end_of_text is None:
        raise UserError(f"The tokenizer in {folder} has no token that ends a text, which training data needs.")
    return DataTokenizer.of(tokenizer)


def measure(sources: Sequence[str], *, column: str, template: str, stop: threading.Event | None = None) -> Densities:
    """Has the trainer measure which vocabularies suit a text; some seconds, so not in the window's own thread.

    Args:
        sources: files, folders or names of bundled texts.
        column: name of the text in JSON objects and tables.
        template: name of the chat template that turns of conversations are written with.
        stop: ends it when set, from any thread.

    Raises:
        UserError: when the text cannot be read.
    """
    flags = ("--measure", "--json", "--column", column, "--template", template)
    answer = trainer_json("tokenizer", *map(absolute_source, sources), *flags, stop=stop)
    try:
        return msgspec.convert(answer, Densities)
    except msgspec.ValidationError:
        raise UserError("The trainer answered with something else than a measurement.") from None


def density_of(vocabulary: Vocabulary, measured: Densities | None) -> Density:
    """How densely a vocabulary writes a text: as measured, or what is typical of English before that.

    The size of a vocabulary of characters is 0 until it is measured.
    """
    kind, size = vocabulary.kind, vocabulary.size
    if measured is not None and (found := [each for each in measured.vocabularies if each.kind == kind]):
        return next((each for each in found if each.vocab_size >= size), found[-1])
    if kind == GPT2:
        return Density(kind=kind, vocab_size=VOCAB_SIZE, bytes_per_token=TYPICAL_GPT2)
    return Density(kind=kind, vocab_size=size, bytes_per_token=typical_bytes_per_token(size))
