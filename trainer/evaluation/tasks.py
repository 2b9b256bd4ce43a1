"""Evaluation tasks: each reads its questions once, before any model loads, and scores one model after another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from trainer.data.packing import packed_windows
from trainer.data.shards import PreparedData
from trainer.data.tokenizer import label, token_lengths
from trainer.evaluation import hellaswag as hellaswag_test
from trainer.evaluation import lambada as lambada_test
from trainer.evaluation import sources
from trainer.evaluation.perplexity import read_text, text_perplexity
from trainer.evaluation.scoring import Progress, target_losses
from trainer.evaluation.validation import validation_loss


@dataclass(frozen=True)
class Measured:
    """One model's figures in one task.

    Attributes:
        task: names the task and, after a slash, its protocol; see `published.published`.
        title: for people, with the data's name.
        protocol: how the figures came about, one sentence.
        metrics: figures by name; losses in nats, accuracies as shares.
        counts: of what they are means.
        source: which data.
    """

    task: str
    title: str
    protocol: str
    metrics: Mapping[str, float]
    counts: Mapping[str, int]
    source: Mapping[str, Any]


class Task(Protocol):
    """Something to measure.

    Attributes:
        name: for progress.
        unit: what progress counts.
    """

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    def measure(self, model: GPT2, tokenizer: Tokenizer, *, batch_tokens: int, progress: Progress) -> list[Measured]:
        """Puts the questions to a model in evaluation mode, in the tokens of its tokenizer."""
        ...


@dataclass(frozen=True)
class ValidationTask:
    """Loss on the validation split of a prepared folder, in windows side by side; a token and a byte.

    Attributes:
        data: the folder.
        context: of the windows; the model's own when ``None``.
        limit: tokens to read.
    """

    data: PreparedData
    context: int | None = None
    limit: int | None = None
    name = "validation loss"
    unit = "tokens"

    @classmethod
    def open(cls, folder: Path, *, context: int | None, limit: int | None) -> ValidationTask:
        return cls(PreparedData.open(folder), context, limit)

    def measure(self, model: GPT2, tokenizer: Tokenizer, *, batch_tokens: int, progress: Progress) -> list[Measured]:
        if tokenizer.sha256 != self.data.tokenizer.sha256:
            raise UserError(
                f"The model has {label(tokenizer)}, and the data in {self.data.folder} was prepared with "
                f"{self.data.tokenizer.label}: compare models of different tokenizers on a text, with --text."
            )
        context = _context(model, self.context)
        total = min(len(self.data.val) - 1, self.limit or len(self.data.val))
        done = 0

        def loss_sum(inputs: Tensor, targets: Tensor) -> Tensor:
            nonlocal done
            losses, _ = target_losses(model, inputs, targets, vocab_size=tokenizer.vocab_size)
            done += len(losses)
            progress(done, total)
            return losses.sum(dtype=torch.float64)

        found = validation_loss(
            loss_sum,
            self.data.val,
            context_length=context,
            batch_size=max(1, batch_tokens // context),
            token_bytes=torch.from_numpy(token_lengths(tokenizer)),
            device=model.wte.weight.device,
            autocast=nullcontext,
            limit=self.limit,
            packed=packed_windows(self.data, "val", context_length=context),
        )
        return [
            Measured(
                "validation",
                f"Validation loss on {self.data.folder.name}",
                f"windows of {context:,} tokens side by side, each read afresh",
                {"loss": found.loss, "perplexity": math.exp(found.loss), "bits_per_byte": found.bits_per_byte},
                {"tokens": found.tokens},
                {"folder": str(self.data.folder)},
            )
        ]


@dataclass(frozen=True)
class PerplexityTask:
    """Perplexity of a text file, with a sliding window.

    Attributes:
        path: of the text.
        text: its contents.
        context: of the windows; the model's own when ``None``.
        stride: between windows; half the context when ``None``.
        limit: tokens to read.
    """

    path: Path
    text: str = field(repr=False)
    context: int | None = None
    stride: int | None = None
    limit: int | None = None
    name = "perplexity"
    unit = "windows"

    @classmethod
    def open(cls, path: Path, *, context: int | None, stride: int | None, limit: int | None) -> PerplexityTask:
        return cls(path, read_text(path), context, stride, limit)

    def measure(self, model: GPT2, tokenizer: Tokenizer, *, batch_tokens: int, progress: Progress) -> list[Measured]:
        context = _context(model, self.context)
        stride = max(1, context // 2) if self.stride is None else self.stride
        found = text_perplexity(
            model,
            tokenizer,
            self.text,
            context=context,
            stride=stride,
            limit=self.limit,
            batch_tokens=batch_tokens,
            progress=progress,
        )
        names = ("loss", "per_token", "per_word", "per_byte", "bits_per_byte")
        return [
            Measured(
                "perplexity",
                f"Perplexity of {self.path.name}",
                f"the text after the token that begins a text, windows of {context:,} tokens {stride:,} apart, each "
                "token scored once; loss in nats a token",
                {name: getattr(found, name) for name in names},
                {"tokens": found.tokens, "words": found.words, "bytes": found.bytes},
                {"file": str(self.path)},
            )
        ]


@dataclass(frozen=True)
class LambadaTask:
    """LAMBADA, by last token and by last word.

    Attributes:
        source: where the passages are from.
        texts: the passages.
    """

    source: sources.Source
    texts: list[str] = field(repr=False)
    name = "LAMBADA"
    unit = "passages"

    @classmethod
    def open(cls, given: str, *, limit: int | None) -> LambadaTask:
        source = sources.open_source(given, sources.LAMBADA, limit=limit)
        return cls(source, lambada_test.passages(source))

    def measure(self, model: GPT2, tokenizer: Tokenizer, *, batch_tokens: int, progress: Progress) -> list[Measured]:
        figures = lambada_test.lambada(model, tokenizer, self.texts, batch_tokens=batch_tokens, progress=progress)
        protocols = {
            "last_token": "the last token of each passage given all before it, as OpenAI scored it",
            "last_word": "all tokens of what follows the last space, as lm-evaluation-harness's lambada_openai does",
        }
        return [
            Measured(
                f"lambada/{key}",
                f"LAMBADA, {key.replace('_', ' ')}",
                protocol,
                {"accuracy": figure.accuracy, "perplexity": figure.perplexity},
                {"passages": len(self.texts)},
                self.source.record,
            )
            for (key, protocol), figure in zip(protocols.items(), figures, strict=True)
        ]


@dataclass(frozen=True)
class HellaSwagTask:
    """HellaSwag by one of its protocols.

    Attributes:
        source: where the questions are from.
        protocol: name of one of `hellaswag.PROTOCOLS`.
        items: the questions, as the protocol puts them.
    """

    source: sources.Source
    protocol: str
    items: list[hellaswag_test.Item] = field(repr=False)
    name = "HellaSwag"
    unit = "endings"

    @classmethod
    def open(cls, given: str, protocol: str, *, limit: int | None) -> HellaSwagTask:
        source = sources.open_source(given, sources.HELLASWAG, limit=limit)
        return cls(source, protocol, hellaswag_test.questions(source, hellaswag_test.PROTOCOLS[protocol]))

    def measure(self, model: GPT2, tokenizer: Tokenizer, *, batch_tokens: int, progress: Progress) -> list[Measured]:
        protocol = hellaswag_test.PROTOCOLS[self.protocol]
        figures = hellaswag_test.hellaswag(
            model, tokenizer, self.items, protocol, batch_tokens=batch_tokens, progress=progress
        )
        return [
            Measured(
                f"hellaswag/{self.protocol}",
                "HellaSwag",
                protocol.description,
                {"acc": figures.acc, "acc_norm": figures.acc_norm},
                {"questions": len(self.items)},
                self.source.record,
            )
        ]


def _context(model: GPT2, wanted: int | None) -> int:
    largest = model.config.n_positions
    if wanted is not None and not 1 <= wanted <= largest:
        raise UserError(f"The context must be 1 to {largest:,} tokens, the model's own, not {wanted:,}.")
    return largest if wanted is None else wanted
