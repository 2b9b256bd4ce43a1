"""Collects the licences of everything that is in the bundle."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

_LICENCE_FILE: Final = re.compile(r"(licen[cs]e|copying|notice|copyright)", re.IGNORECASE)

_QT_NOTICE: Final = """\
Qt and PySide6 are used under the GNU Lesser General Public License, version 3. They are the unchanged shared libraries
of the wheels PySide6-Essentials and shiboken6, in the folders _internal/PySide6 and _internal/shiboken6. You may
replace them with your own build of the same version. Their source code is at
https://download.qt.io/official_releases/ and https://code.qt.io/; on request the authors of gptdesk send the sources
of the versions that are in this bundle.
"""


def write_licences(bundle: Path, packages: Sequence[str], environment: Path, target: Path) -> None:
    """Writes name, version, licence and licence texts of each Python distribution of which files are in the bundle.

    Args:
        bundle: folder with libraries and data of packages.
        packages: names of those of which modules are in the executable.
        environment: virtual environment that they were taken from.
        target: the file to write.
    """
    parts = [
        f"Python {sys.version.split()[0]}\nPython Software Foundation License: https://docs.python.org/3/license.html\n"
    ]
    for one in sorted(installed(environment), key=lambda one: one.metadata["Name"].lower()):
        if one.metadata["Name"].lower() == "gptdesk" or not _is_in(one, bundle, packages):
            continue
        parts.append(_describe(one))
    target.write_text(f"\n{'=' * 100}\n\n".join((_QT_NOTICE, *parts)), encoding="utf-8")


def installed(environment: Path) -> list[Distribution]:
    """The distributions of a virtual environment."""
    folders = [str(path) for path in environment.glob("lib*/**/site-packages")]
    return list(distributions(path=folders))


def _is_in(one: Distribution, bundle: Path, packages: Sequence[str]) -> bool:
    """Whether any of its packages is in the bundle: as a folder or file, or compiled into the archive of modules."""
    names = {
        Path(str(file)).parts[0].partition(".")[0] for file in one.files or () if file.suffix in (".py", ".so", ".pyd")
    }
    return bool(names & set(packages)) or any((bundle / name).exists() for name in names if name)


def _describe(one: Distribution) -> str:
    data = one.metadata
    licence = data.get("License-Expression") or next(
        (line.split("::")[-1].strip() for line in data.get_all("Classifier") or () if line.startswith("License")),
        (data.get("License") or "see its text").splitlines()[0],
    )
    texts = []
    for file in one.files or ():
        if _LICENCE_FILE.search(file.name) and file.suffix in ("", ".txt", ".md", ".rst"):
            path = Path(str(one.locate_file(file)))
            if path.is_file():
                texts.append(path.read_text(encoding="utf-8", errors="replace").strip())
    body = "\n\n".join(dict.fromkeys(texts)) or "(its wheel brings no licence text)"
    return f"{data['Name']} {one.version}\n{licence}\n\n{body}\n"
