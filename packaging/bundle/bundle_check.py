"""Imports everything that is in the program and uses each library; ``gptdesk-cli -m bundle_check`` in the bundle.

From source, ``python -m bundle_check --without-excluded`` does it while the modules that are left out of the bundle
cannot be imported, which shows without a build that nothing needs them. Both print what they did, and exit with 1 at
the first thing that fails.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_STARTED_BY_NAME: Final = ("__main__", "platform_probe")
"""Last parts of the names of modules that do their work when they are imported."""

_GENERATED_TEXT: Final = 30
"""Letters that twenty tokens have at least."""


class Without:
    """A finder of modules that does not find those of some names, as in a bundle that was made without them.

    Args:
        finder: one of ``sys.meta_path``.
        names: of the modules.
    """

    def __init__(self, finder: Any, names: Collection[str]) -> None:
        self._finder, self._names = finder, frozenset(names)

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        return None if fullname in self._names else self._finder.find_spec(fullname, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def import_program() -> str:
    """Imports every module of gptdesk and the trainer."""
    names = []
    for package in ("gptdesk", "trainer"):
        folder = importlib.import_module(package).__path__
        names += [found.name for found in pkgutil.walk_packages(folder, f"{package}.")]
    wanted = [name for name in names if name.rpartition(".")[2] not in _STARTED_BY_NAME]
    for name in wanted:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != "triton":  # which PyTorch brings with CUDA alone
                raise
    if len(wanted) < 300:
        raise AssertionError(f"only {len(wanted)} modules were found")
    return f"{len(wanted)} modules of the program"


def import_optional() -> str:
    """Imports the libraries of the extras."""
    from contents import OPTIONAL

    found = []
    for name in OPTIONAL:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name.partition(".")[0]:
                raise
        else:
            found.append(name)
    return ", ".join(found)


def write_text() -> str:
    """Continues a text in each precision of a CPU, by the decoder that is compiled for it"""
    from gptdesk.devices import PRECISIONS
    from gptdesk.folders import Folders
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.sampling.settings import DecodingSettings
    from gptdesk.library.catalogue import BUNDLED, find_model

    entry = find_model(BUNDLED, Folders.of_this_user())
    used = []
    for precision in PRECISIONS:
        if precision == "float16":  # of GPUs
            continue
        engine = Engine.load(entry.path, precision=precision, device="cpu")
        if engine.decoder is not None:
            engine.decoder.result()  # until then the network decodes
        text = "".join(
            event.text for event in engine.generate("Once upon a time", DecodingSettings(max_tokens=20, seed=1))
        )
        if len(text) < _GENERATED_TEXT:
            raise AssertionError(f"{precision} wrote {text!r}")
        used.append(f"{precision} ({engine.backend})")
    return ", ".join(used)


def optimize() -> str:
    """Takes two steps with each optimizer"""
    import torch

    from trainer.config.schema import OptimSection
    from trainer.optimizers.lazy_compiler import spare_compiler
    from trainer.optimizers.table import OPTIMIZERS

    for name, kind in OPTIMIZERS.items():
        spare_compiler()
        weights = [torch.nn.Parameter(torch.ones(8, 4)), torch.nn.Parameter(torch.ones(4))]
        optimizer = kind.build(weights[:1], [] if kind.rest else weights[1:], OptimSection(optimizer=name))
        for _ in range(2):
            loss = sum((weight**2).sum() for weight in weights)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return ", ".join(OPTIMIZERS)


def read_parquet() -> str:
    """Reads a Parquet file in each compression"""
    import pyarrow
    import pyarrow.parquet

    used = []
    for compression in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        written = io.BytesIO()
        table = pyarrow.table({"text": ["Once upon a time", "there was a bear"], "number": [1, 2]})
        pyarrow.parquet.write_table(table, written, compression=compression)
        file = pyarrow.parquet.ParquetFile(io.BytesIO(written.getvalue()))
        texts = [row for batch in file.iter_batches(columns=["text"]) for row in batch.column(0).to_pylist()]
        if texts != ["Once upon a time", "there was a bear"]:
            raise AssertionError(f"{compression}: {texts}")
        used.append(compression)
    return ", ".join(used)


def read_documents() -> str:
    """Parses HTML and writes a PDF that it reads again"""
    import lxml.html
    import pypdf

    if lxml.html.fromstring("<p>a<b>b</b></p>").text_content() != "ab":
        raise AssertionError("lxml")
    written = io.BytesIO()
    writer = pypdf.PdfWriter()
    writer.add_blank_page(72, 72)
    writer.write(written)
    if len(pypdf.PdfReader(written).pages) != 1:
        raise AssertionError("pypdf")
    return f"lxml {lxml.etree.__version__}, pypdf {pypdf.__version__}"


def use_python() -> str:
    """Uses what Python has compiled: TLS, SQLite with full-text search, compression"""
    import bz2
    import lzma
    import sqlite3
    import ssl
    import zlib

    with sqlite3.connect(":memory:") as database:
        database.execute("create virtual table texts using fts5(text)")
    database.close()
    ssl.create_default_context()
    for module in (bz2, lzma, zlib):
        if module.decompress(module.compress(b"text")) != b"text":  # type: ignore[attr-defined]
            raise AssertionError(module.__name__)
    return f"{ssl.OPENSSL_VERSION}, SQLite {sqlite3.sqlite_version}"


def draw_window() -> str:
    """Draws an icon and a curve on a screen that nobody sees"""
    import os

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import qVersion
    from PySide6.QtGui import QIcon
    from PySide6.QtNetwork import QSslSocket
    from PySide6.QtWidgets import QApplication

    from gptdesk.resource_files import resource

    application = QApplication.instance() or QApplication(["bundle_check", "-platform", "offscreen"])
    picture = QIcon(str(resource("icons", "gptdesk.svg"))).pixmap(64, 64)
    if picture.isNull() or picture.toImage().pixelColor(32, 32).alpha() == 0:
        raise AssertionError("the icon is empty")
    import pyqtgraph

    plot = pyqtgraph.PlotWidget()
    plot.plot([1, 2, 3], [3, 1, 2])
    plot.show()
    with tempfile.TemporaryDirectory() as folder:
        if not plot.grab().save(str(Path(folder, "plot.png"))):
            raise AssertionError("PNG cannot be written")
    plot.close()
    application.processEvents()
    return f"Qt {qVersion()}, TLS {'there' if QSslSocket.supportsSsl() else 'missing, and not used'}"


CHECKS: Final[tuple[Callable[[], str], ...]] = (
    import_program, import_optional, use_python, read_parquet, read_documents, optimize, write_text, draw_window,
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Makes all checks and returns the exit status."""
    if "--without-excluded" in arguments:
        from contents import EXCLUDED

        sys.meta_path[:] = [Without(finder, EXCLUDED) for finder in sys.meta_path]
    from gptdesk.devices import set_thread_environment
    from gptdesk.folders import keep_compiled_code

    set_thread_environment()
    keep_compiled_code()
    for check in CHECKS:
        print(f"{(check.__doc__ or '').splitlines()[0].rstrip('.')}: ", end="", flush=True)
        print(check(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
