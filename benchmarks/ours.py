"""gptdesk's own decoding, as a contender."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contender import Contender, Logits, Text


class _OursText(Text):
    def __init__(self, owner: Ours) -> None:
        from gptdesk.inference.context import Context

        self._owner = owner
        self._context = Context(owner.network)
        self._ids: list[int] = []

    def read(self, ids: Sequence[int]) -> Logits:
        if self._ids and ids[0] == self._ids[0]:  # a prompt that begins alike is not read again
            self._read([(ids[0] + 1) % self._owner.network.config.vocab_size])
        self._ids = list(ids)
        self.rewind()
        return self._context.logits

    def rewind(self) -> None:
        self._read(self._ids)

    def _read(self, ids: list[int]) -> None:
        self._context.read_by(self._owner.decoder.reader)
        self._context.read(ids, lambda: False)

    def step(self, id: int) -> Logits:
        from gptdesk.inference.decode import DecodeInput, decode

        decode([DecodeInput(self._context, id)], self._owner.decoder)
        return self._context.logits


class Ours(Contender):
    """As `gptdesk` loads and decodes."""

    def __init__(self, path: Path, precision: str, threads: int) -> None:
        self._path, self._precision = path, precision
        self._decoders: dict[int, Any] = {}
        self.network: Any = None
        self.set_threads(threads)

    def set_threads(self, threads: int) -> None:
        if threads not in self._decoders:
            network, self._decoders[threads] = _load_ours(self._path, self._precision, threads)
            self.network = self.network or network
        self.decoder = self._decoders[threads]

    def open(self) -> Text:
        return _OursText(self)

    @staticmethod
    def prepare() -> None:
        from gptdesk.folders import keep_compiled_code

        keep_compiled_code()
        from numba.core.registry import cpu_target

        import gptdesk.inference.cpu.decoder
        import gptdesk.inference.engine  # noqa: F401

        # The half of Numba that it imports with the first function: 0.2 s, and with SciPy, if that is here, 0.5 s.
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()


def _load_ours(path: Path, precision: str, threads: int) -> tuple[Any, Any]:
    """The network and its compiled decoder; all that this benchmark knows of how they come together."""
    from gptdesk.folders import Folders
    from gptdesk.inference.engine import Engine

    keep = Folders.of_this_user().quantized
    engine = Engine.load(path, device="cpu", precision=precision, threads=threads, keep=keep)
    assert engine.decoder is not None, "Numba is installed"
    decoder = engine.decoder.result()  # compiled now if it never was
    assert decoder is not None
    assert (decoder.precision, decoder.backend) == (precision, "numba")
    return engine.network, decoder
