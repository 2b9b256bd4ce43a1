"""What goes into the bundle and what stays out; read by `gptdesk.spec` and by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

PACKAGES: Final = ("gptdesk", "trainer")
"""Packages of which every module is collected: many are imported by name."""

OPTIONAL: Final = ("gguf", "lxml", "lxml.html", "pypdf", "pyarrow", "pyarrow.parquet", "zstandard")
"""Imported late by `gptdesk` and `trainer`; those of the extras."""

HIDDEN: Final = ("numba._devicearray", "torch.distributed.run")
"""Imported by compiled code, or started by name."""

DATA: Final = (
    ("resources", "gptdesk/resources"),
    ("docs", "gptdesk/docs"),
    ("trainer/presets", "trainer/presets"),
    ("LICENSE", "gptdesk"),
)
"""Files and folders of the project, and where they go; the same places as in the wheel."""

SOURCE_MODULES: Final = ("gptdesk.inference.cpu", "gptdesk.gpt2.activations")
"""Collected as files, because Numba caches compiled code only beside a source file, and its version is their hash."""

EXCLUDED: Final = (
    "IPython", "matplotlib", "pandas", "PIL", "pytest", "scipy", "setuptools", "tkinter", "transformers", "wheel",
    "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtQuickWidgets", "PySide6.QtTest", "PySide6.QtDesigner",
    "PySide6.QtHelp", "PySide6.QtSql", "PySide6.QtUiTools", "PySide6.QtXml", "PySide6.QtConcurrent",
    "torch.utils.tensorboard", "hf_xet", "numba.tests", "numba.cuda", "llvmlite.tests",
)  # fmt: skip
"""Modules that nothing in the program imports, or only where they are installed."""

UNUSED_FILES: Final = (
    "torch/include/*", "torch/share/*", "torch/test/*", "torch/bin/[!t]*", "torch/bin/t[!o]*", "torch/lib/*.a",
    "torch/lib/*_test*", "torch/lib/libbackend_with_compiler*", "torch/testing/_internal/*",
    "PySide6/Qt/translations/*", "PySide6/Qt/qml/*", "PySide6/Qt/plugins/qmltooling/*",
    "PySide6/Qt/lib/libQt6Qml*", "PySide6/Qt/lib/libQt6Quick*", "PySide6/Qt/plugins/sqldrivers/*",
    "PySide6/Qt/plugins/platforms/libqvnc*", "PySide6/Qt/plugins/platforms/libqlinuxfb*",
    "PySide6/Qt/plugins/platforms/libqeglfs*", "PySide6/Qt/plugins/platforms/libqminimalegl*",
    "*libQt6EglF*",
    "*libarrow_flight*", "*libarrow_s3*", "*libarrow_python_flight*", "pyarrow/_flight*", "pyarrow/_s3fs*",
    "pyarrow/include/*", "pyarrow/src/*", "pyarrow/tests/*", "pyarrow/*.pyx", "pyarrow/*.pxi", "*/__pycache__/*",
)  # fmt: skip
"""Patterns of collected files that no process of ours reads."""

STRIPPED: Final = ("*.so", "*.so.*")
"""Libraries from which symbols are removed that only debuggers read: a sixth of the bundle."""

NOT_STRIPPED: Final = ("numpy.libs/*",)
"""Libraries that `strip` damages: their sections were moved by `patchelf`."""
