"""The vocabulary of a draft: chosen, or that of the model to start from; and whether the data has it. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.training.data.datasets import PreparedSet
from gptdesk.training.data.vocabulary import (
    FOLDER,
    GPT2_VOCABULARY,
    DataTokenizer,
    Densities,
    Density,
    Vocabulary,
    density_of,
)

_SOME_CHARACTERS: Final = 100
"""Placeholder for the number of different characters in a text that was not measured."""


@dataclass
class VocabularyChoice:
    """The choice so far.

    Attributes:
        chosen: by the user or with the data; for a model from scratch.
        touched: whether the user chose it after the data.
        base: folder of the model to start from; "" from scratch.
        base_name: of that model.
        tokenizer: of that model; ``None`` while unknown.
        data: that is chosen, once it is known.
        waiting: name and vocabulary of the data that is being prepared for this run.
        measured: how densely vocabularies write the text of this data.
    """

    chosen: Vocabulary = GPT2_VOCABULARY
    touched: bool = False
    base: str = ""
    base_name: str = ""
    tokenizer: DataTokenizer | None = None
    data: PreparedSet | None = None
    waiting: tuple[str, Vocabulary] | None = None
    measured: Densities | None = None

    @property
    def wanted(self) -> Vocabulary:
        """The vocabulary to prepare text with."""
        if not self.base:
            return self.chosen
        is_gpt2 = self.tokenizer is not None and self.tokenizer.is_gpt2
        return GPT2_VOCABULARY if is_gpt2 else Vocabulary(FOLDER, folder=self.base)

    @property
    def density(self) -> Density:
        """How densely the chosen vocabulary writes the text."""
        return density_of(self.chosen, self.measured)

    @property
    def asked_size(self) -> int | None:
        """Tokens of a model from scratch; ``None`` if its data decides."""
        if self.base or (self.data is not None and self.fits(self.data)):
            return None
        return self.density.vocab_size or _SOME_CHARACTERS

    @property
    def size(self) -> int:
        """Tokens of the model, as far as is known."""
        if self.base:
            return self.tokenizer.vocab_size if self.tokenizer else VOCAB_SIZE
        if self.data is not None and self.fits(self.data):
            return self.data.tokenizer.vocab_size
        return self.density.vocab_size or _SOME_CHARACTERS

    @property
    def problem(self) -> str:
        """Why the data cannot be trained on with this vocabulary; "" if it can, or none is chosen."""
        if self.waiting is not None:
            name, vocabulary = self.waiting
            if self._is_wanted(vocabulary):
                return ""
            verb = "is being prepared with"
        elif self.data is not None and not self.fits(self.data):
            name, verb = self.data.name, "has"
        else:
            return ""
        if self.base:
            return f"“{name}” {verb} another vocabulary than {self.base_name}; prepare the text again with the model's."
        return f"“{name}” {verb} another vocabulary than the chosen one; prepare the text again, or choose other data."

    def fits(self, data: PreparedSet) -> bool:
        """Whether data has the wanted vocabulary; true while that is not known."""
        if self.base:
            return self.tokenizer is None or self.tokenizer.sha256 == data.tokenizer.sha256
        return data.vocabulary == self.chosen

    def _is_wanted(self, vocabulary: Vocabulary) -> bool:
        """Whether that is the wanted vocabulary, as far as can be told before the text is prepared."""
        return vocabulary == self.wanted or (bool(self.base) and self.tokenizer is None)

    def choose(self, vocabulary: Vocabulary) -> None:
        """The user chooses a vocabulary."""
        self.chosen, self.touched = vocabulary, True

    def forget_data(self, *, follow: bool) -> None:
        """Other data is chosen, whose vocabulary is not known yet.

        Args:
            follow: whether the choice follows the data.
        """
        self.data = None
        if follow:
            self.touched = False

    def know(self, data: PreparedSet | None, tokenizer: DataTokenizer | None) -> bool:
        """Sets what is known of the data and of the model to start from. Returns whether that changed."""
        if (data, tokenizer) == (self.data, self.tokenizer):
            return False
        if data is not None and not self.touched:
            self.chosen = data.vocabulary
        self.data, self.tokenizer = data, tokenizer
        return True

    def wait_for(self, name: str, vocabulary: Vocabulary) -> None:
        """The run trains on the data of that name and vocabulary, which is being prepared."""
        self.waiting = name, vocabulary
        if not self.touched:
            self.chosen = vocabulary

    def start_from(self, folder: str, name: str) -> None:
        """The run starts from that model; "" for from scratch."""
        if folder != self.base:
            self.base, self.base_name, self.tokenizer = folder, name, None
