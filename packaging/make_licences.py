"""Collects the licences of everything that is in the bundle."""

from __future__ import annotations

import sys
from collections.abc import Collection
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from gptdesk.program.licences import SEPARATOR, describe

_QT_NOTICE: Final = """\
Qt and PySide6 are used under the GNU Lesser General Public License, version 3. They are the unchanged shared libraries
of the wheels PySide6-Essentials and shiboken6, in the folders _internal/PySide6 and _internal/shiboken6. You may
replace them with your own build of the same version. Their source code is at
https://download.qt.io/official_releases/ and https://code.qt.io/; on request the authors of gptdesk send the sources
of the versions that are in this bundle.
"""


def write_licences(packages: Collection[str], target: Path) -> None:
    """Writes name, version, licence and licence texts of each installed distribution that is in the bundle.

    Args:
        packages: names of packages, and of files beside them, that are in it.
        target: the file to write.
    """
    parts = [
        f"Python {sys.version.split()[0]}\nPython Software Foundation License: https://docs.python.org/3/license.html\n"
    ]
    for one in sorted(distributions(), key=lambda one: one.metadata["Name"].lower()):
        if one.metadata["Name"].lower() != "gptdesk" and _packages_of(one) & set(packages):
            parts.append(describe(one))
    target.write_text(SEPARATOR.join((_QT_NOTICE, *parts)), encoding="utf-8")


def _packages_of(one: Distribution) -> set[str]:
    """Names of its packages and modules."""
    names = {Path(str(file)).parts[0] for file in one.files or () if file.suffix in (".py", ".so", ".pyd")}
    return {name.partition(".")[0] for name in names} - {"", "__pycache__"}
