"""Compiles the modules that the bundle holds as source files; run by the Python that is frozen.

The installed folder is read-only for most people, so that Python could not keep what it compiles at each start.
"""

import compileall
import py_compile
import sys
from pathlib import Path

folder = Path(sys.argv[1])
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # sources never change, and dates must not matter
if not compileall.compile_dir(
    str(folder / "gptdesk"), quiet=1, invalidation_mode=mode, force=True, stripdir=str(folder)
):
    sys.exit(f"the modules in {folder / 'gptdesk'} were not compiled")
