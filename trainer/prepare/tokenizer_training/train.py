"""Makes a tokenizer from text and writes its folder, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.files import sync_file, sync_folder
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE
from gptdesk.gpt2.tokenizers.byte_letters import byte_letters
from gptdesk.gpt2.tokenizers.file_contents import BYTES, Files, bpe_files, byte_files, character_files
from gptdesk.gpt2.tokenizers.vocabulary_checks import MOST_TOKENS
from trainer.data.tokenizer import open_tokenizer
from trainer.prepare.records import DEFAULT_COLUMN
from trainer.prepare.tokenizer_training.text import TextSource

BPE, BYTE, CHARACTER = "bpe", "bytes", "characters"
KINDS: Final = {
    BPE: "byte-level byte-pair encoding, as GPT-2's",
    BYTE: "each byte is a token",
    CHARACTER: "each character of the text is a token, as in nanoGPT's shakespeare_char; others cannot be encoded",
}
"""Kinds of tokenizers, each with what it is."""

LARGEST_TEXT: Final = 1_000_000_000
"""Bytes of text that are read unless asked otherwise: more hardly changes which merges pay."""

READ, MERGE = "read", "merge"
"""Phases: reading and counting; learning merges."""

_THREAD: Final = "tokenizer"
_REPORT_SECONDS: Final = 0.2
_END_SECONDS: Final = 5.0
_SAMPLE_BYTES: Final = 1_000_000
"""Of the beginning of the text, which bytes per token are measured on."""


@dataclass(frozen=True, kw_only=True)
class TokenizerRequest:
    """Options of a new tokenizer.

    Attributes:
        sources: absolute paths, names of bundled texts or data sets of the hub.
        kind: one of `KINDS`.
        vocab_size: number of tokens of byte-pair encoding, the end of text among them; 0 for the other kinds.
        column: of the text in tables and JSON.
        template: name of the chat template that turns of conversations are written with.
        largest_text: bytes of text that are read.
    """

    sources: tuple[str, ...] = ()
    kind: str = BPE
    vocab_size: int = 0
    column: str = DEFAULT_COLUMN
    template: str = DEFAULT_TEMPLATE
    largest_text: int = LARGEST_TEXT

    def __post_init__(self) -> None:
        if self.kind == BPE and not BYTES < self.vocab_size <= MOST_TOKENS:
            raise UserError(
                f"A vocabulary of {self.kind} has {BYTES + 1} tokens (the bytes and the end of text) to "
                f"{MOST_TOKENS:,}, not {self.vocab_size:,}."
            )
        if self.kind != BPE and self.vocab_size:
            raise UserError(f"The size of a vocabulary of {self.kind} follows from its kind; leave --vocab-size out.")
        if self.kind != BYTE and not self.sources:
            raise UserError(f"A vocabulary of {self.kind} is made from text: name a source.")
        if self.largest_text < 1:
            raise UserError(f"--largest-text must be 1 or more, not {self.largest_text}.")


@dataclass(frozen=True, kw_only=True)
class TokenizerProgress:
    """Progress of making a tokenizer.

    Attributes:
        phase: `READ` or `MERGE`.
        bytes, bytes_total: of the source files.
        text_bytes: read.
        seconds: since the beginning.
    """

    phase: str
    bytes: int
    bytes_total: int
    text_bytes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class MadeTokenizer:
    """A finished tokenizer.

    Attributes:
        folder: with its files.
        vocab_size: tokens; fewer than asked for where the text does not give more.
        sha256: its identity.
        text_bytes: that it was made from.
        bytes_per_token: on the beginning of that text; 0 where there was none.
        broken: sentences about what could not be read; empty when all could.
    """

    folder: Path
    vocab_size: int
    sha256: str
    text_bytes: int
    bytes_per_token: float
    broken: str


def make_tokenizer(
    request: TokenizerRequest, folder: Path, *, progress: Callable[[TokenizerProgress], None] = lambda _: None
) -> MadeTokenizer:
    """Makes a tokenizer and writes it into ``folder``. The same text gives the same tokenizer.

    Args:
        request: what to make.
        folder: made; must not hold anything.
        progress: called a few times a second; what it raises ends the work, and nothing is left.

    Raises:
        UserError: for sources that cannot be read or hold no text, or a folder that is not empty or cannot be written.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; choose another folder with --out or remove it.")
    source = None
    if request.sources:
        source = TextSource(request.sources, folder, request.column, request.template, request.largest_text)
    sample: list[str] = []
    work = _Work(request, source, sample)
    work.run(progress)
    if source is not None and not source.text_bytes:
        raise UserError(f"No text was found. {source.broken.sentences()}")
    _write(folder, work.files)
    tokenizer = open_tokenizer(folder)
    tokens = sum(len(tokenizer.encode(text)) for text in sample)
    return MadeTokenizer(
        folder=folder,
        vocab_size=tokenizer.vocab_size,
        sha256=tokenizer.sha256,
        text_bytes=source.text_bytes if source else 0,
        bytes_per_token=sum(len(text.encode()) for text in sample) / tokens if tokens else 0.0,
        broken=source.broken.sentences() if source and source.broken.count else "",
    )


class _Work:
    """Reads and learns in a thread: the library does not notice Ctrl+C, and the main thread does.

    Attributes:
        files: that it came to.
    """

    def __init__(self, request: TokenizerRequest, source: TextSource | None, sample: list[str]) -> None:
        self._request, self._source, self._sample = request, source, sample
        self._phase = READ
        self._failure: BaseException | None = None
        self.files: Files = {}

    def run(self, progress: Callable[[TokenizerProgress], None]) -> None:
        """Returns when it is done.

        Raises:
            UserError: what ended it; and whatever ``progress`` raises.
        """
        began = time.monotonic()
        thread = threading.Thread(target=self._work, name=_THREAD, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_REPORT_SECONDS)
                progress(self._progress(time.monotonic() - began))
        except BaseException:
            if self._source is not None:
                self._source.stopped = True
            thread.join(_END_SECONDS)  # a reading thread ends and cleans up; a learning one cannot be ended
            raise
        if self._failure is not None:
            raise self._failure

    def _progress(self, seconds: float) -> TokenizerProgress:
        source = self._source
        return TokenizerProgress(
            phase=self._phase,
            bytes=source.bytes if source else 0,
            bytes_total=source.bytes_total if source else 0,
            text_bytes=source.text_bytes if source else 0,
            seconds=round(seconds, 3),
        )

    def _work(self) -> None:
        try:
            self.files = self._make()
        except BaseException as failure:
            self._failure = failure

    def _make(self) -> Files:
        if self._request.kind == CHARACTER:
            characters: set[str] = set()
            for text in self._texts():
                characters.update(text)
            return character_files(sorted(characters))
        if self._request.kind == BYTE:
            for _ in self._texts():  # for the measure of bytes per token
                if not self._wants_sample:
                    break
            return byte_files()
        return bpe_files(*learn_bpe(self._texts(), self._request.vocab_size))

    @property
    def _wants_sample(self) -> bool:
        return sum(map(len, self._sample)) < _SAMPLE_BYTES

    def _texts(self) -> Iterator[str]:
        """The texts; the first ones are kept as the sample."""
        if self._source is not None:
            wants = True
            for text in self._source.texts():
                if wants:
                    self._sample.append(text[:_SAMPLE_BYTES])
                    wants = self._wants_sample
                yield text
        self._phase = MERGE


def is_learning() -> bool:
    """Whether the library is learning in its thread, which nothing can end but the end of the process.

    Python's orderly end would abort in the middle of it; `os._exit` ends the process then.
    """
    return any(thread.name == _THREAD for thread in threading.enumerate())


def learn_bpe(texts: Iterator[str], vocab_size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Learns merges with the ``tokenizers`` library; the order of the texts does not matter.

    Returns:
        Vocabulary and merges, as `bpe_files` takes them: ``vocab_size`` - 1 tokens, or fewer where the text gives no
        more.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,  # the end of text is the last
        initial_alphabet=sorted(byte_letters().values()),
        special_tokens=[],
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def _write(folder: Path, files: Files) -> None:
    """Writes the folder beside its place, synced, and moves it there.

    Raises:
        UserError: when it cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        for name, contents in files.items():
            (temporary / name).write_bytes(contents)
            sync_file(temporary / name)
        sync_folder(temporary)
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}); choose another --out.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
