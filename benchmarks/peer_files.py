"""Writes a model the way each contender reads it, and says which contenders there are."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.folders import Folders, ensure_folder

BYTES: Final = {"float32": 4.0, "bfloat16": 2.0, "int8": 1.0, "int4": 0.625}
"""Of a weight in a layer, by the precision that decodes; the scales of int8's rows come on top."""

_BITS: Final = {
    "float32": 32, "F32": 32, "bfloat16": 16, "BF16": 16, "int8": 8, "Q8_0": 8, "int4": 4, "Q4_0": 4, "Q4_K_M": 4,
}  # fmt: skip
"""Of a weight, by the programs' words for their precisions."""

HEAD_BYTES: Final = BYTES | {"int4": 1.0}
"""Of a weight in the head."""


PACKAGES: Final = {
    "ours": "torch",
    "transformers": "transformers",
    "llama.cpp": "llama-cpp-python",
    "CTranslate2": "ctranslate2",
}
"""What has to be installed for a program."""


PEERS: Final = ("llama.cpp", "CTranslate2")
"""Programs that may not be installed."""


OTHER_VERSION: Final = ", other version"
"""Ends the name of a contender from another checkout."""


@dataclass(frozen=True)
class Spec:
    """A contender.

    Attributes:
        program: a key of `worker.CONTENDERS`.
        precision: in the program's own words.
        path: of the model as the program reads it, absolute.
        checkout: folder of another version of this repository, which is measured instead of this one.
    """

    program: str
    precision: str
    path: Path
    checkout: Path | None = None

    @property
    def name(self) -> str:
        return f"{self.program} {self.precision}{OTHER_VERSION if self.checkout else ''}"


def token_name(id: int) -> str:
    """How CTranslate2, which takes no ids, is told of a token."""
    return f"<{id}>"


def list_contenders(folder: Path, *, peers: Collection[str], say: Callable[[str], None]) -> list[Spec]:
    """All that can be measured here with the model in ``folder``, those with the widest weights first; writes the files
    that they need.

    Args:
        folder: of the model.
        peers: those of llama.cpp and CTranslate2 that are wanted.
        say: is told what is not installed, and what takes long.
    """
    found = [Spec("ours", precision, folder) for precision in ("float32", "bfloat16", "int8", "int4")]
    found.append(Spec("transformers", "float32", folder))
    if _multiplies_bfloat16():
        found.append(Spec("transformers", "bfloat16", folder))
    else:
        say("transformers bfloat16 is left out: torch has no fast product of bfloat16 for this processor.")
    for program, package, write in (
        ("llama.cpp", "llama_cpp", _write_gguf),
        ("CTranslate2", "ctranslate2", _write_ctranslate2),
    ):
        if program not in peers:
            continue
        try:
            importlib.import_module(package)
        except ImportError as error:
            say(f"{program} is left out: {PACKAGES[program]} is not installed ({error}).")
            continue
        files = write(folder, _place(folder), say)
        found += [Spec(program, precision, path) for precision, path in files.items()]
    return sorted(found, key=lambda spec: -_BITS[spec.precision])


def _multiplies_bfloat16() -> bool:
    """Whether torch does it with more than a plain loop, whose prompt of 512 tokens takes minutes."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _place(folder: Path) -> Path:
    """Where the peers' files of that model are kept; another place when its weights change."""
    changed = max(file.stat().st_mtime_ns for file in folder.iterdir())
    return ensure_folder(Folders.of_this_user().cache / "benchmarks" / f"{folder.resolve().name}-{changed:x}")


def _write_gguf(folder: Path, place: Path, say: Callable[[str], None]) -> dict[str, Path]:
    """GGUF files by llama.cpp's precision: float32 as gptdesk exports it, the others made of that by llama.cpp."""
    import ctypes

    import llama_cpp

    from benchmarks.peers import silence_llama
    from gptdesk.library.entry import LibraryEntry
    from gptdesk.library.exporting.export import export_gguf

    kinds = {name: getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{name}") for name in ("BF16", "Q8_0", "Q4_0", "Q4_K_M")}
    whole = place / "F32.gguf"
    silence_llama()
    if not whole.exists():
        say("exporting to GGUF ...")
        export_gguf(LibraryEntry(kind="folder", name=folder.name, path=folder), whole, precision="float32")
    files = {"F32": whole}
    for name, kind in kinds.items():
        files[name] = path = place / f"{name}.gguf"
        if not path.exists():
            params = llama_cpp.llama_model_quantize_default_params()
            params.ftype = kind
            unfinished = path.with_suffix(".part")
            status = llama_cpp.llama_model_quantize(str(whole).encode(), str(unfinished).encode(), ctypes.byref(params))
            assert status == 0, f"llama_model_quantize: {status}"
            unfinished.replace(path)
    return files


def _write_ctranslate2(folder: Path, place: Path, say: Callable[[str], None]) -> dict[str, Path]:
    """Folders by CTranslate2's precision."""
    from ctranslate2.converters import Converter
    from ctranslate2.converters.transformers import GPT2Loader

    class FromFolder(Converter):  # its own asks for a tokenizer; ours here takes ids, whatever the vocabulary
        def _load(self):
            import transformers

            loader = GPT2Loader()
            model = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
            spec = loader.get_model_spec(model)
            tokens = [token_name(id) for id in range(model.config.vocab_size)]
            loader.set_vocabulary(spec, tokens)
            spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = tokens[-1]
            return spec

    files = {}
    for precision in ("float32", "int8"):
        files[precision] = target = place / f"ctranslate2-ids-{precision}"
        if not target.exists():
            say(f"converting for CTranslate2, {precision} ...")
            FromFolder().convert(str(target), quantization=None if precision == "float32" else precision)
    return files
