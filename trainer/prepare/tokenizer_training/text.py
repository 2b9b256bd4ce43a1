"""Reads the text that a tokenizer is made from, with the readers of `trainer.prepare`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gptdesk.errors import UserError
from trainer.prepare.account import Account
from trainer.prepare.broken import Broken
from trainer.prepare.cutting import Cutter
from trainer.prepare.plan import Plan, Request
from trainer.prepare.readers import Reader
from trainer.prepare.sources.hub import Downloads

_WAIT_SECONDS = 0.1


@dataclass
class TextSource:
    """The text of sources, read once.

    Args:
        sources: as `trainer.prepare.plan.Request` takes them.
        folder: whose files are none of the sources'.
        column: of the text in tables and JSON.
        template: name of the chat template that turns of conversations are written with.
        largest: bytes of text after which no more is read.

    Attributes:
        bytes, bytes_total: of the files, read so far and in all.
        text_bytes: of text, read so far.
        broken: what could not be read.
        stopped: set to end the reading.
    """

    sources: Sequence[str]
    folder: Path
    column: str
    template: str
    largest: int
    bytes: int = 0
    bytes_total: int = 0
    text_bytes: int = 0
    broken: Broken = field(default_factory=Broken)
    stopped: bool = False

    def __post_init__(self) -> None:
        self._plan = Plan.make(
            Request(sources=tuple(self.sources), column=self.column, template=self.template), self.folder
        )
        self.bytes_total = sum(file.bytes for file in self._plan.files)

    def texts(self) -> Iterator[str]:
        """The texts of all documents; a conversation is the text of its turns, one by one.

        Raises:
            UserError: when a file is gone, a library is missing or the hub cannot be reached.
        """
        with ExitStack() as stack:
            get = self._fetcher(stack)
            for index, file in enumerate(self._plan.files):
                path = get(index)
                before = self.bytes
                for text in self._read(index, path):
                    yield text
                    if self.text_bytes >= self.largest:
                        return
                self.bytes = before + file.bytes

    def _read(self, index: int, path: Path) -> Iterator[str]:
        file, request = self._plan.files[index], self._plan.request
        for span, _ in Cutter(request.settings, request.unit_bytes, self.broken).spans(index, file, path):
            before = self.bytes
            reader = Reader(file, path, request.settings, self.broken, Account(), span.encoding)
            for document in reader.documents(span.start, span.end):
                for segment in document:
                    if self.stopped:
                        raise UserError("The reading was stopped.")
                    self.text_bytes += len(segment)
                    yield segment.decode()
                self.bytes = before + int(reader.share * span.bytes)
            self.bytes = before + span.bytes

    def _fetcher(self, stack: ExitStack) -> Callable[[int], Path]:
        """What gives the path of a file here; waits for one of the hub, and removes the one before."""
        files = [(i, file.hub) for i, file in enumerate(self._plan.files) if file.hub]
        if not files:
            return lambda index: Path(self._plan.files[index].path)
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tokenizer-")))
        paths = {i: place / f"{i:05d}.parquet" for i, _ in files}
        downloads = Downloads([(hub, paths[i]) for i, hub in files], ahead=2)
        stack.callback(downloads.close)

        def get(index: int) -> Path:
            for earlier in [i for i in paths if i < index]:
                paths.pop(earlier).unlink(missing_ok=True)
                downloads.used_up()
            if index not in paths:
                return Path(self._plan.files[index].path)
            while not downloads.is_here(paths[index]):
                if self.stopped:
                    raise UserError("The reading was stopped.")
                time.sleep(_WAIT_SECONDS)
            return paths[index]

        return get
