"""What goes into the bundle and what stays out; read by `gptdesk.spec` and by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

PACKAGES: Final = ("gptdesk", "trainer")
"""Packages of which every module is collected: many are imported by name."""

OPTIONAL: Final = ("gguf", "lxml", "lxml.html", "pypdf", "pyarrow", "pyarrow.parquet", "zstandard")
"""Imported late by `gptdesk` and `trainer`; those of the extras."""

HIDDEN: Final = ("numba._devicearray", "torch.distributed.run", "bundle_check")
"""Imported by compiled code, or started by name; `bundle_check` stands beside this file."""

DATA: Final = (
    ("resources", "gptdesk/resources"),
    ("docs", "gptdesk/docs"),
    ("trainer/presets", "trainer/presets"),
    ("LICENSE", "gptdesk"),
)
"""Files and folders of the project, and where they go; the same places as in the wheel."""

SOURCE_MODULES: Final = ("gptdesk.inference.cpu", "gptdesk.gpt2.activations")
"""Collected as files, because compiled code is kept under a hash of their text."""

EXCLUDED: Final = (
    "IPython", "matplotlib", "pandas", "PIL", "pytest", "scipy", "setuptools", "tkinter", "transformers", "wheel",
    "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtQuickWidgets", "PySide6.QtTest", "PySide6.QtDesigner",
    "PySide6.QtHelp", "PySide6.QtSql", "PySide6.QtUiTools", "PySide6.QtXml", "PySide6.QtConcurrent",
    "PySide6.QtDBus", "PySide6.QtPrintSupport",
    "pyqtgraph.opengl", "pyqtgraph.examples", "pyqtgraph.flowchart", "pyqtgraph.console", "pyqtgraph.jupyter",
    "torch.utils.tensorboard", "torch.utils.benchmark", "torch._inductor.codegen", "torch._inductor.kernel",
    "torch._inductor.fx_passes", "torch._inductor.template_heuristics", "torch._inductor.lowering",
    "torch.contrib", "functorch", "networkx",
    "hf_xet", "numba.tests", "numba.cuda", "llvmlite.tests", "numpy.f2py", "lxml.objectify", "lxml.isoschematron",
    "pyarrow.tests", "pydoc_data", "lib2to3",
)  # fmt: skip
"""Modules that nothing in the program imports, or only where they are installed: `bundle_check` runs without them."""

UNUSED_FILES: Final = (
    "torch/include/*", "torch/share/*", "torch/test/*", "torch/bin/[!t]*", "torch/bin/t[!o]*", "torch/lib/*.a",
    "torch/lib/*_test*", "torch/lib/libbackend_with_compiler*", "torch/testing/_internal/*",
    "functorch/*",
    "PySide6/Qt/translations/*", "PySide6/Qt/qml/*", "PySide6/Qt/plugins/qmltooling/*",
    "PySide6/Qt/lib/libQt6Qml*", "PySide6/Qt/lib/libQt6Quick*", "PySide6/Qt/plugins/sqldrivers/*",
    "PySide6/Qt/plugins/platforms/libqvnc*", "PySide6/Qt/plugins/platforms/libqlinuxfb*",
    "PySide6/Qt/plugins/platforms/libqeglfs*", "PySide6/Qt/plugins/platforms/libqminimalegl*",
    "PySide6/Qt/plugins/platforms/libqvkkhr*", "PySide6/Qt/plugins/egldeviceintegrations/*",
    "PySide6/Qt/plugins/generic/*", "PySide6/Qt/plugins/networkinformation/*",
    "PySide6/Qt/plugins/imageformats/*qtiff*", "PySide6/Qt/plugins/imageformats/*qwebp*",
    "PySide6/Qt/plugins/imageformats/*qjpeg*", "PySide6/Qt/plugins/imageformats/*qtga*",
    "PySide6/Qt/plugins/imageformats/*qwbmp*",
    "*libQt6EglF*",
    "*libarrow_flight*", "*libarrow_s3*", "*libarrow_python_*", "pyarrow/_flight*", "pyarrow/_s3fs*",
    "pyarrow/libarrow_python.so", "pyarrow/libarrow_python.so.*.*", "pyarrow/_gcsfs*", "pyarrow/_azurefs*",
    "pyarrow/_hdfs*", "pyarrow/_orc*", "pyarrow/_dataset_orc*", "pyarrow/_parquet_encryption*",
    "pyarrow/_dataset_parquet_encryption*", "pyarrow/_substrait*", "pyarrow/_cuda*", "pyarrow/gandiva*",
    "pyarrow/include/*", "pyarrow/src/*", "pyarrow/tests/*", "pyarrow/*.pyx", "pyarrow/*.pxi", "pyarrow/*.pxd",
    "numba/np/ufunc/tbbpool*", "*/__pycache__/*", "*.pyi",
    "*.dist-info/RECORD", "*.dist-info/direct_url.json", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED",
    "*.dist-info/licenses/*", "*.dist-info/sboms/*", "*.dist-info/top_level.txt",
    # Qt's theme for GTK, and GTK's libraries, which do not mix with those of another system.
    "PySide6/Qt/plugins/platformthemes/libqgtk3*", "libgtk-*", "libgdk*", "libcairo*", "libpango*", "libatk*",
    "libharfbuzz*", "libpixman*", "libfribidi*", "libthai*", "libdatrie*", "libgraphite2*", "libgio-2*",
    "libgobject-2*", "libgmodule-2*", "libmount*", "libblkid*", "libselinux*", "libjpeg*", "libXext*", "libXrender*",
    "libtiff*", "libwebp*", "libjbig*", "libdeflate*", "liblerc*",
)  # fmt: skip
"""Patterns of collected files that no process of ours reads."""

SOURCES_OF_TORCH: Final = (
    "torch._dynamo.config", "torch._export.config", "torch._functorch.config", "torch._inductor.config",
    "torch._inductor.config_comms", "torch.compiler.config", "torch.distributed.config",
    "torch.fx.experimental._config", "torch.functional", "torch.nn.functional", "torch.nn.modules.rnn",
    "torch.utils._config_module", "torch.utils.serialization.config",
)  # fmt: skip
"""Modules of torch whose source is read when they are imported: settings, and overloads for TorchScript. Those of all
others are 40 MB that nothing reads."""

STRIPPED: Final = ("*.so", "*.so.*")
"""Libraries from which symbols are removed that only debuggers read: a sixth of the bundle."""

NOT_STRIPPED: Final = ("numpy.libs/*",)
"""Libraries that `strip` damages: their sections were moved by `patchelf`."""
