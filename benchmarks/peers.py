"""The programs beside which gptdesk decodes: transformers, llama.cpp, CTranslate2, each imported when it is wanted."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contender import Contender, Logits, Text
from benchmarks.peer_files import token_name


class _TransformersText(Text):
    def __init__(self, model: Any) -> None:
        self._model, self._cache, self._length = model, None, 0

    def read(self, ids: Sequence[int]) -> Logits:
        self._cache, self._length = None, len(ids)
        return self._feed(ids)

    def rewind(self) -> None:
        assert self._cache is not None
        if read := self._cache.get_seq_length() - self._length:
            self._cache.crop(-read)

    def step(self, id: int) -> Logits:
        return self._feed([id])

    def _feed(self, ids: Sequence[int]) -> Logits:
        import torch

        with torch.inference_mode():
            # As its own generate() does: of a prompt the logits of the last token alone.
            out = self._model(torch.tensor([ids]), past_key_values=self._cache, use_cache=True, logits_to_keep=1)
            self._cache = out.past_key_values
            return out.logits[0, -1].float().numpy()


class Transformers(Contender):
    """`GPT2LMHeadModel` with its own cache, eager."""

    def __init__(self, path: Path, precision: str, threads: int) -> None:
        import torch
        import transformers

        self._model = transformers.GPT2LMHeadModel.from_pretrained(path, dtype=getattr(torch, precision)).eval()
        self.set_threads(threads)

    def set_threads(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)

    def open(self) -> Text:
        return _TransformersText(self._model)

    @staticmethod
    def prepare() -> None:
        import transformers

        transformers.GPT2LMHeadModel  # noqa: B018 (imported now)


class _LlamaText(Text):
    def __init__(self, owner: LlamaCpp) -> None:
        import llama_cpp

        self._llama = llama_cpp
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = owner.context, owner.context, 512
        params.n_threads = params.n_threads_batch = owner.threads
        self._owner = owner
        self._context = llama_cpp.llama_init_from_model(owner.model, params)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._length = 0

    def read(self, ids: Sequence[int]) -> Logits:
        self._llama.llama_memory_clear(self._memory, True)
        self._length = len(ids)
        return self._feed(ids)

    def rewind(self) -> None:
        self._llama.llama_memory_seq_rm(self._memory, 0, self._length, -1)

    def step(self, id: int) -> Logits:
        return self._feed([id])

    def _feed(self, ids: Sequence[int]) -> Logits:
        llama, count = self._llama, self._owner.threads
        llama.llama_set_n_threads(self._context, count, count)
        tokens = (llama.llama_token * len(ids))(*ids)
        status = llama.llama_decode(self._context, llama.llama_batch_get_one(tokens, len(ids)))
        assert status == 0, f"llama_decode: {status}"
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self._context, -1), (self._owner.vocab_size,))


class LlamaCpp(Contender):
    """llama.cpp through llama-cpp-python's low level, which samples nothing."""

    def __init__(self, path: Path, precision: str, threads: int) -> None:
        import llama_cpp

        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        assert self.model, f"llama.cpp does not read {path}"
        self.context = llama_cpp.llama_model_n_ctx_train(self.model)
        self.vocab_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.set_threads(threads)

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def open(self) -> Text:
        return _LlamaText(self)

    @staticmethod
    def prepare() -> None:
        silence_llama()


_quiet: list[Any] = []  # C keeps the address of the function


def silence_llama() -> None:
    """Keeps llama.cpp from telling everything that it does."""
    import llama_cpp

    if not _quiet:
        _quiet.append(llama_cpp.llama_log_callback(lambda level, text, data: None))
        llama_cpp.llama_log_set(_quiet[0], ctypes.c_void_p())
        llama_cpp.llama_backend_init()


class CTranslate2(Contender):
    """CTranslate2's generator. It has no call for one token: its steps are timed from one callback to the next."""

    def __init__(self, path: Path, precision: str, threads: int) -> None:
        self._path, self._precision = path, precision
        self._generators: dict[int, Any] = {}
        self.set_threads(threads)

    def set_threads(self, threads: int) -> None:
        import ctranslate2

        if threads not in self._generators:
            self._generators[threads] = ctranslate2.Generator(
                str(self._path), device="cpu", compute_type=self._precision, intra_threads=threads, inter_threads=1
            )
        self._generator = self._generators[threads]

    def open(self) -> Text:
        raise NotImplementedError("it has no call for one token")

    def generate(self, ids: Sequence[int], tokens: int, between: Callable[[], None] = lambda: None) -> list[float]:
        """Seconds from the call to the first of ``tokens`` tokens after ``ids``, and from each to the next; without
        those of ``between``, which is called after each."""
        seconds, began = [], time.perf_counter()

        def on_token(result: object) -> bool:
            nonlocal began
            seconds.append(time.perf_counter() - began)
            between()
            began = time.perf_counter()
            return False

        self._generator.generate_batch(
            [[token_name(id) for id in ids]],
            max_length=tokens,
            min_length=tokens,
            include_prompt_in_result=False,
            callback=on_token,
        )
        return seconds

    @staticmethod
    def prepare() -> None:
        import ctranslate2  # noqa: F401
