"""Completes prompts with a GPT-2: one event a token, and cancellable between any two of them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

from gptdesk.devices import choose_device, choose_precision, choose_quantization, is_out_of_memory
from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer, gpt2_tokenizer
from gptdesk.inference.completion import Completion, read_together, window_start
from gptdesk.inference.context import Context
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.cpu.linear import for_inference
from gptdesk.inference.cpu.quantized import precision_of
from gptdesk.inference.cpu.quantized_files import load_quantized
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.decoder import Decoder, DecoderFuture, ready
from gptdesk.inference.decoder_loader import DecoderLoader
from gptdesk.inference.events import Alternative, DoneEvent, Event, NoticeEvent, TokenEvent
from gptdesk.inference.parity import CHECKED_DEVICES, computes_correctly
from gptdesk.inference.sampling.settings import LIMITS, DecodingSettings

log = logging.getLogger(__name__)

__all__ = ["Alternative", "DoneEvent", "Engine", "Event", "NoticeEvent", "TokenEvent"]

FRESH_SEEDS: Final = 2**32
"""A seed that nobody chose is drawn from below this: short enough to type, and all that torch's CPU generator heeds."""


class Engine:
    """A model that writes. For one thread; its weights must not change while it lives.

    Same seed, same device, same precision, same settings: same text. What was asked before, how many completions are
    wanted at once and when the caller takes the events change nothing (see `Context` and `choice.sample`).

    Args:
        model: is put into evaluation mode.
        tokenizer: GPT-2's.
        name: for people.
        decoder: reads the tokens that are written, in the network's place, from the first call on that finds it made.

    Attributes:
        vocab_size: tokens that can be chosen; rows that pad the vocabulary for training are not among them.
        device: "cpu", "cuda:0" and so on.
    """

    def __init__(
        self, model: GPT2, tokenizer: Tokenizer, *, name: str = "", decoder: DecoderFuture | None = None
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.vocab_size = min(model.config.vocab_size, tokenizer.vocab_size)
        self.device = str(model.wpe.weight.device)
        self._coming = decoder
        self._context: Context | None = None  # of the last prompt

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        keep: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Engine:
        """Reads a model's folder with `load_model`.

        Args:
            folder: of the model.
            device: as in `choose_device`.
            precision: as in `choose_precision` and `choose_quantization`.
            threads: for compiled code on a CPU; as many as torch uses when not given. Their number changes no text.
            keep: folder for quantised weights (see `load_quantized`).
            progress: as in `load_model`.

        Raises:
            UserError: when the folder holds no model that can be used, or the device or the memory is not there, or
                the device computes wrong values (``auto`` takes the CPU then).
        """
        chosen = choose_device(device)
        dtype = choose_precision(precision, chosen)
        compiled = chosen.type == "cpu" and precision != "float16" and can_compile()
        coming = DecoderLoader(threads) if compiled else None
        with _memory_errors_explained():
            if quantization := choose_quantization(precision, chosen):
                model = load_quantized(folder, quantization, keep=keep, progress=progress)
            else:
                model = load_model(folder, dtype=dtype, device=chosen, progress=progress)
                if chosen.type == "cpu":
                    for_inference(model)
            decoder = coming.decoder(model) if coming else None
            if chosen.type in CHECKED_DEVICES and not computes_correctly(model):
                del model
                if device != "auto":
                    raise UserError(f"The device {device!r} computes wrong values here: choose the device cpu.")
                log.warning("The device %s computes wrong values here, so the CPU is used.", chosen)
                return cls.load(
                    folder, device="cpu", precision=precision, threads=threads, keep=keep, progress=progress
                )
            if chosen.type == "cuda":
                decoder = ready(DeviceDecoder(model, graphs=True))
        return cls(model, gpt2_tokenizer(), name=folder.name, decoder=decoder)

    @property
    def precision(self) -> str:
        """In which a completion that begins now is decoded: "float32", "bfloat16", "float16", "int8" or "int4" if torch
        does it; with " (numba)" behind it if compiled code does, which adds up in another order and may, where two
        tokens are about as likely, write other text.
        """
        return self._precision(self._decoder())

    @property
    def is_compiling(self) -> bool:
        """Whether faster code for this processor is being compiled; completions that begin later will use it."""
        return self._coming is not None and not self._coming.done()

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        weights = [*self.model.parameters(), *self.model.buffers()]
        return sum({weight.data_ptr(): weight.nbytes for weight in weights}.values())  # a tied head counts once

    @property
    def config(self) -> GPT2Config:
        return self.model.config

    def generate(
        self, prompt: str | Sequence[int], settings: DecodingSettings, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Event]:
        """Completes ``prompt`` ``settings.n`` times, one token of each in turn.

        Text is encoded without special tokens; an empty prompt becomes ``<|endoftext|>``, after which a document
        begins. Positions are absolute, so the context cannot slide: where the text, prompt or completion, outgrows it,
        the model reads again from further on (`window_start`), and a notice says so.

        Args:
            prompt: text, or token ids.
            settings: how to choose and when to stop. Completion i has the seed ``settings.seed + i``.
            cancelled: asked before every token and every chunk of a prompt; True ends all completions.

        Yields:
            The tokens and notices of each completion, and at its end its `DoneEvent`.

        Raises:
            UserError: with the first event, when prompt or settings name tokens that the model does not have; with any,
                when every token is banned, memory is full, or the model computes values that are not numbers.
        """
        started = perf_counter()
        ids = self._prompt_ids(prompt)
        self._check_biased_ids(settings)
        start = window_start(len(ids), self.config.n_positions)
        if start:
            yield NoticeEvent(0, self._long_prompt(len(ids), start))
            ids = ids[start:]
        # Taken until the end, so that a call that begins before this one has ended cannot share it.
        context, self._context = self._context, None
        with _memory_errors_explained():
            context = context or Context(self.model)
            context.decoder = self._decoder()  # the same to the end, also if another comes meanwhile
            completions = self._begin(ids, context, settings, started, cancelled)
            try:
                yield from self._take_turns(completions, cancelled, self._precision(context.decoder))
            finally:
                self._context = context

    def _begin(
        self,
        prompt: list[int],
        context: Context,
        settings: DecodingSettings,
        started: float,
        cancelled: Callable[[], bool],
    ) -> list[Completion]:
        """Reads the prompt once for all completions; if that was cancelled, so are they."""
        finished = context.read(prompt, cancelled)
        seed = secrets.randbelow(FRESH_SEEDS) if settings.seed is None else settings.seed
        completions = [
            Completion(
                index,
                prompt,
                context.copy() if finished and index else context,
                settings,
                seed=(seed + index) % (int(LIMITS["seed"].highest) + 1),
                tokenizer=self.tokenizer,
                vocab_size=self.vocab_size,
                n_positions=self.config.n_positions,
                started=started,
            )
            for index in range(settings.n)
        ]
        for completion in completions:
            completion.finish_reason = None if finished else "cancelled"
        return completions

    def _take_turns(
        self, completions: list[Completion], cancelled: Callable[[], bool], precision: str
    ) -> Iterator[Event]:
        """One token of each completion in turn."""
        while completions:
            for completion in completions:
                if completion.finish_reason is None and cancelled():
                    completion.finish_reason = "cancelled"
            read_together(completions)
            for completion in completions:
                if completion.finish_reason is None:
                    yield from completion.turn(cancelled)
                if completion.finish_reason is not None:
                    yield completion.done(device=self.device, precision=precision)
            completions = [completion for completion in completions if completion.finish_reason is None]

    def _decoder(self) -> Decoder | None:
        """The decoder, if it is made by now."""
        return self._coming.result() if self._coming is not None and self._coming.done() else None

    def _precision(self, decoder: Decoder | None) -> str:
        if decoder is not None:
            return decoder.precision
        return precision_of(self.model)

    def _prompt_ids(self, prompt: str | Sequence[int]) -> list[int]:
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        unknown = next((id for id in ids if not 0 <= id < self.vocab_size), None)
        if unknown is not None:
            raise UserError(f"The prompt has the token {unknown}, but the model knows only 0 to {self.vocab_size - 1}.")
        if ids:
            return ids
        if self.tokenizer.end_of_text >= self.vocab_size:
            raise UserError("The model does not know <|endoftext|>, so it cannot begin by itself: type a prompt.")
        return [self.tokenizer.end_of_text]

    def _check_biased_ids(self, settings: DecodingSettings) -> None:
        unknown = next((id for id in settings.logit_bias if id >= self.vocab_size), None)
        if unknown is not None:
            raise UserError(
                f"logit_bias names the token {unknown}, but the model knows only 0 to {self.vocab_size - 1}."
            )

    def _long_prompt(self, length: int, start: int) -> str:
        return (
            f"The prompt has {length:,} tokens, more than the context of {self.config.n_positions:,}: "
            f"only the last {length - start:,} are read."
        )


@contextmanager
def _memory_errors_explained() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            "There is not enough memory: close other programs, or choose a smaller model or fewer completions at once."
        ) from error
