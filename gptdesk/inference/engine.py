"""The engine: loads a model, and completes prompts with one event per token."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import torch

from gptdesk.devices import choose_device, choose_precision, choose_quantization, is_out_of_memory
from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer, gpt2_tokenizer
from gptdesk.inference.completion import Completion, decode_completions, window_start
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
"""Random seeds are below this: short enough to type, and all bits that torch's CPU generator uses."""


class Engine:
    """Completes prompts with a model. For one thread; the weights must not change while it is used.

    Same seed, device, precision, backend and settings: same text. Earlier calls, the number of completions and the time
    at which the caller takes the events change nothing (see `Context` and `choice.sample`).

    Args:
        model: is put into evaluation mode.
        tokenizer: of the model.
        name: for display.
        decoder: decodes instead of the network, from the first call of `generate` that finds it ready.

    Attributes:
        vocab_size: number of tokens that can be chosen, without rows that pad the vocabulary for training.
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
        self._decoder_future = decoder
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
        """Loads the model in ``folder``.

        Args:
            folder: a model folder, as for `load_model`.
            device: as for `choose_device`.
            precision: as for `choose_precision` and `choose_quantization`.
            threads: of the compiled CPU decoder; not given: as many as torch uses. Their number changes no text.
            keep: folder for quantised weights (see `load_quantized`).
            progress: as for `load_model`.

        Raises:
            UserError: when the folder contains no usable model, the device does not exist, memory does not suffice, or
                the device computes wrong values (with "auto" the CPU is used then).
        """
        chosen = choose_device(device)
        options: dict[str, Any] = {"precision": precision, "threads": threads, "keep": keep, "progress": progress}
        engine = cls._load_on(chosen, folder, **options)
        with _memory_errors_explained():
            correct = chosen.type not in CHECKED_DEVICES or computes_correctly(engine.model)
        if not correct:
            if device != "auto":
                raise UserError(f"The device {device!r} computes wrong values here: choose the device cpu.")
            log.warning("The device %s computes wrong values here, so the CPU is used.", chosen)
            del engine
            engine = cls._load_on(choose_device("cpu"), folder, **options)
        return engine

    @classmethod
    def _load_on(
        cls,
        device: torch.device,
        folder: Path,
        *,
        precision: str,
        threads: int | None,
        keep: Path | None,
        progress: Callable[[int, int], None] | None,
    ) -> Engine:
        """Loads the model and starts or finds the decoder of that device."""
        dtype = choose_precision(precision, device)
        compiled = device.type == "cpu" and precision != "float16" and can_compile()
        loader = DecoderLoader(threads) if compiled else None
        with _memory_errors_explained():
            if quantization := choose_quantization(precision, device):
                model = load_quantized(folder, quantization, keep=keep, progress=progress)
            else:
                model = load_model(folder, dtype=dtype, device=device, progress=progress)
                if device.type == "cpu":
                    for_inference(model)
            decoder = loader.decoder(model) if loader else None
            if device.type == "cuda":
                decoder = ready(DeviceDecoder(model, graphs=True))
        return cls(model, gpt2_tokenizer(), name=folder.name, decoder=decoder)

    @property
    def precision(self) -> str:
        """Of the weights: "float32", "bfloat16", "float16", "int8" or "int4"."""
        return precision_of(self.model)

    @property
    def backend(self) -> str:
        """What decodes a completion that begins now: "torch", or "numba" for compiled code, which sums in another order
        and may choose otherwise where two tokens are about equally likely.
        """
        return _backend_of(self._decoder())

    @property
    def is_compiling(self) -> bool:
        """Whether the CPU decoder is being compiled; completions that start later use it."""
        return self._decoder_future is not None and not self._decoder_future.done()

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
        starts. Positions are absolute, so the context cannot slide: where prompt or completion outgrows it, the model
        reads the end of the text again (`window_start`), and a notice says so.

        Args:
            prompt: text, or token ids.
            settings: decoding settings. Completion i has the seed ``settings.seed + i``.
            cancelled: asked before every token and every chunk of a prompt; True ends all completions.

        Yields:
            Tokens and notices of each completion, and its `DoneEvent` at the end.

        Raises:
            UserError: with the first event, when prompt or settings name tokens that the model does not have; later,
                when every token is banned, memory is full, or the model computes values that are not numbers.
        """
        started = perf_counter()
        ids = self._prompt_ids(prompt)
        self._check_biased_ids(settings)
        start = window_start(len(ids), self.config.n_positions)
        if start:
            yield NoticeEvent(0, self._long_prompt(len(ids), start))
            ids = ids[start:]
        # Not shared with a call that starts before this one ends.
        context, self._context = self._context, None
        with _memory_errors_explained():
            context = context or Context(self.model)
            context.decoder = self._decoder()  # the same to the end, even if another becomes ready
            completions = self._begin(ids, context, settings, started, cancelled)
            try:
                yield from self._take_turns(completions, cancelled, _backend_of(context.decoder))
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
        """Reads the prompt once for all completions; if that is cancelled, so are they."""
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
        self, completions: list[Completion], cancelled: Callable[[], bool], backend: str
    ) -> Iterator[Event]:
        """Until all have ended: appends the last tokens in one batch, then chooses the next token of each."""
        while completions:
            for completion in completions:
                if completion.finish_reason is None and cancelled():
                    completion.finish_reason = "cancelled"
            decode_completions(completions)
            for completion in completions:
                if completion.finish_reason is None:
                    yield from completion.take_turn(cancelled)
                if completion.finish_reason is not None:
                    yield completion.done(device=self.device, precision=self.precision, backend=backend)
            completions = [completion for completion in completions if completion.finish_reason is None]

    def _decoder(self) -> Decoder | None:
        """The decoder, if it is ready."""
        return (
            self._decoder_future.result() if self._decoder_future is not None and self._decoder_future.done() else None
        )

    def _prompt_ids(self, prompt: str | Sequence[int]) -> list[int]:
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        unknown = next((id for id in ids if not 0 <= id < self.vocab_size), None)
        if unknown is not None:
            raise UserError(f"The prompt has the token {unknown}, but the model knows only 0 to {self.vocab_size - 1}.")
        if ids:
            return ids
        if self.tokenizer.end_of_text >= self.vocab_size:
            raise UserError("The model has no <|endoftext|>, so it cannot start by itself: type a prompt.")
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


def _backend_of(decoder: Decoder | None) -> str:
    return "torch" if decoder is None else decoder.backend


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
