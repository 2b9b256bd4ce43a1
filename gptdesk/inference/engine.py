"""The engine: loads a model, and completes prompts with one event per token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.loading import brings_tokenizer, load_tokenizer
from gptdesk.inference.context import Context
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.decoder import Decoder, DecoderFuture
from gptdesk.inference.events import Alternative, DoneEvent, Event, NoticeEvent, TokenEvent
from gptdesk.inference.generate import Setup, backend_of, generate
from gptdesk.inference.loading import load_for_inference, memory_errors_explained
from gptdesk.inference.network import Network
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.scoring.windows import window_start

if TYPE_CHECKING:
    from gptdesk.gpt2.model import GPT2

__all__ = ["Alternative", "DoneEvent", "Engine", "Event", "NoticeEvent", "TokenEvent"]


class Engine:
    """Completes prompts with a model. For one thread; the weights must not change while it is used.

    Same seed, device, precision, backend and settings: same text. Earlier calls, the number of completions and the time
    at which the caller takes the events change nothing (see `Context` and `choice.sample`).

    Args:
        model: a network, or one in torch, which is put into evaluation mode.
        tokenizer: of the model.
        name: for display.
        decoder: decodes instead of the network, from the first call of `generate` that finds it ready.

    Attributes:
        network: reads prompts, and decodes where there is no decoder.
        assumed_tokenizer: whether the folder brings no tokenizer, so that OpenAI's was taken.
        vocab_size: number of tokens that can be chosen, without rows that pad the vocabulary for training.
        device: "cpu", "cuda:0" and so on.
        context: the tokens that the model read last, whose beginning the next prompt may share; ``None`` before the
            first prompt and while another one is completed.
    """

    def __init__(
        self, model: GPT2 | Network, tokenizer: Tokenizer, *, name: str = "", decoder: DecoderFuture | None = None
    ) -> None:
        self.network = model if isinstance(model, Network) else _in_torch(model)
        self._torch_model: GPT2 | None = None
        self.tokenizer = tokenizer
        self.assumed_tokenizer = False
        self.name = name
        self.decoder = decoder
        self.vocab_size = min(self.network.config.vocab_size, tokenizer.vocab_size)
        self.device = self.network.device
        self.context: Context | None = None

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
            threads: of the compiled CPU decoder; not given: `threads_by_default`. Their number changes no text.
            keep: folder for quantised weights (see `load_quantized`).
            progress: as for `load_model`.

        Raises:
            UserError: when the folder contains no usable model, the device does not exist, memory does not suffice, or
                the device computes wrong values (with "auto" the CPU is used then).
        """
        tokenizer = load_tokenizer(folder, read_config(folder))
        network, decoder = load_for_inference(
            folder, device=device, precision=precision, threads=threads, keep=keep, progress=progress
        )
        engine = cls(network, tokenizer, name=folder.name, decoder=decoder)
        engine.assumed_tokenizer = not brings_tokenizer(folder)
        return engine

    @property
    def precision(self) -> str:
        """Of the weights: "float32", "bfloat16", "float16", "int8" or "int4"."""
        return self.network.precision

    @property
    def backend(self) -> str:
        """What decodes a completion that begins now: "numba" for compiled code, which sums in another order and may
        choose otherwise where two tokens are about equally likely; or the network, "numpy" or "torch".
        """
        return backend_of(self._ready_decoder(), self.network)

    @property
    def is_compiling(self) -> bool:
        """Whether the CPU decoder is being compiled; completions that start later use it."""
        return self.decoder is not None and not self.decoder.done()

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        return self.network.memory

    @property
    def model(self) -> GPT2:
        """The network in torch with the same weights, for what looks into it; imports torch."""
        if self._torch_model is None:
            if isinstance(self.network, CPUNetwork):
                from gptdesk.inference.in_torch.shared_weights import model_of

                self._torch_model = model_of(self.network.weights)
            else:
                self._torch_model = cast(Any, self.network).model
        return self._torch_model

    @property
    def config(self) -> GPT2Config:
        """The model's."""
        return self.network.config

    def generate(
        self,
        prompt: str | MixedText | Sequence[int],
        settings: DecodingSettings,
        *,
        backend: str = "",
        cancelled: Callable[[], bool] = lambda: False,
        cancelled_one: Callable[[int], bool] = lambda index: False,
    ) -> Iterator[Event]:
        """Completes ``prompt`` ``settings.n`` times, one token of each in turn.

        Text is encoded without special tokens but those of a `MixedText`; an empty prompt becomes the token that begins
        a text, after which a document starts. Positions are absolute, so the context cannot slide: where prompt or
        completion outgrows it, the model reads the end of the text again (`window_start`), and a notice says so.

        Args:
            prompt: text, text with special tokens, or token ids.
            settings: decoding settings. Completion i has the seed ``settings.seed + i``.
            backend: what decodes, as in `DoneEvent`; not given: the fastest that is ready.
            cancelled: asked before every token and every chunk of a prompt; True ends all completions.
            cancelled_one: asked before every token of a completion, with its index; True ends that one.

        Yields:
            Tokens and notices of each completion, and its `DoneEvent` at the end.

        Raises:
            UserError: with the first event, when prompt or settings name tokens that the model does not have, or the
                backend is not ready; later, when every token is banned, memory is full, or the model computes values
                that are not numbers.
        """
        started = perf_counter()
        decoder = self._decoder_of(backend)
        ids = self.prompt_ids(prompt)
        self.check_biased_ids(settings)
        text = prompt.text if isinstance(prompt, MixedText) else prompt
        begins_word = not text or (isinstance(text, str) and text[-1].isspace())
        previous = None if begins_word else ids[-1]  # a space before the first word is there already
        if start := window_start(len(ids), self.config.n_positions):
            yield NoticeEvent(0, self._long_prompt(len(ids), start))
        if settings.logit_bias and not settings.has_biases_of(self.tokenizer.sha256):
            yield NoticeEvent(0, "The logit biases are of another vocabulary, so they do not count for this model.")
        with self._context_for(decoder) as context:
            setup = self._setup(previous, decoder, cancelled, cancelled_one, started)
            yield from generate(ids[start:], context, settings, setup)

    def context_taken(self) -> AbstractContextManager[Context]:
        """Takes the context, made if there is none; not shared with a call that starts before this one ends.

        It reads as a completion that begins now.
        """
        return self._context_for(self._ready_decoder())

    def new_context(self) -> Context:
        """Another context, that reads as the one that `context_taken` gives."""
        context, decoder = Context(self.network), self._ready_decoder()
        context.read_by(decoder.reader if decoder else None)
        return context

    @contextmanager
    def _context_for(self, decoder: Decoder | None) -> Iterator[Context]:
        """Takes the context for completions by that decoder."""
        context, self.context = self.context, None
        with memory_errors_explained():
            context = context or Context(self.network)
            context.read_by(decoder.reader if decoder else None)
            try:
                yield context
            finally:
                self.context = context

    def prompt_ids(self, prompt: str | MixedText | Sequence[int]) -> list[int]:
        """Ids of a prompt as `generate` takes it; an empty one is the token that begins a text.

        Raises:
            UserError: when the model has no such token, or not all of them.
        """
        ids = encode_mixed(self.tokenizer, prompt) if isinstance(prompt, str | MixedText) else list(prompt)
        self.check_ids(ids)
        if ids:
            return ids
        start = self.tokenizer.start_of_text
        if start is None or start >= self.vocab_size:
            raise UserError("The model has no token that begins a text, so it cannot start by itself: type a prompt.")
        return [start]

    def check_ids(self, ids: Sequence[int]) -> None:
        """Checks the tokens of a prompt.

        Raises:
            UserError: when the model does not have all of them.
        """
        unknown = next((id for id in ids if not 0 <= id < self.vocab_size), None)
        if unknown is not None:
            raise UserError(f"The prompt has the token {unknown}, but the model knows only 0 to {self.vocab_size - 1}.")

    def _setup(
        self,
        previous: int | None,
        decoder: Decoder | None,
        cancelled: Callable[[], bool],
        cancelled_one: Callable[[int], bool],
        started: float,
    ) -> Setup:
        return Setup(
            tokenizer=self.tokenizer,
            vocab_size=self.vocab_size,
            n_positions=self.config.n_positions,
            decoder=decoder,
            network=self.network,
            previous=previous,
            cancelled=cancelled,
            cancelled_one=cancelled_one,
            started=started,
        )

    def _ready_decoder(self) -> Decoder | None:
        """The decoder, if it is ready."""
        return self.decoder.result() if self.decoder is not None and self.decoder.done() else None

    def _decoder_of(self, backend: str) -> Decoder | None:
        """The decoder of that backend, ``None`` for the network."""
        decoder = self._ready_decoder()
        if not backend or backend_of(decoder, self.network) == backend:
            return decoder
        if backend != self.network.backend:
            raise UserError(f"The model cannot be decoded by {backend} here; start without naming what decodes.")
        return None

    def check_biased_ids(self, settings: DecodingSettings) -> None:
        """Checks the tokens that the settings name.

        Raises:
            UserError: when the model does not have one of them.
        """
        unknown = next((id for id in settings.logit_bias if id >= self.vocab_size), None)
        if unknown is not None and settings.has_biases_of(self.tokenizer.sha256):
            raise UserError(
                f"logit_bias names the token {unknown}, but the model knows only 0 to {self.vocab_size - 1}."
            )

    def _long_prompt(self, length: int, start: int) -> str:
        return (
            f"The prompt has {length:,} tokens, more than the context of {self.config.n_positions:,}: "
            f"only the last {length - start:,} are read."
        )


def _in_torch(model: GPT2) -> Network:
    from gptdesk.inference.in_torch.network import TorchNetwork

    return TorchNetwork(model)
