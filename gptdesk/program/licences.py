"""Licences of the libraries that the program uses: those in a bundle, or those that are installed beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from gptdesk.program.installation import PACKAGE_NAME, declared_packages

THIRD_PARTY: Final = "THIRD-PARTY-LICENCES"
"""In the package of a bundle, and beside its executable."""

SEPARATOR: Final = f"\n{'=' * 100}\n\n"
"""Between two libraries."""

_LICENCE_FILE: Final = re.compile(r"(licen[cs]e|copying|notice|copyright)", re.IGNORECASE)


def third_party_licences() -> str:
    """Name, version, licence and licence texts of each library. Reads many files where there is no bundle."""
    try:
        return (Path(__file__).parents[1] / THIRD_PARTY).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return SEPARATOR.join(describe(one) for one in _installed())


def describe(one: Distribution) -> str:
    """Name, version, licence and licence texts of an installed distribution."""
    data = one.metadata
    classified = (line.split("::")[-1].strip() for line in _field(one, "Classifier") if line.startswith("License"))
    named = (line for text in _field(one, "License") for line in text.splitlines()[:1])
    licence = (*_field(one, "License-Expression"), *classified, *named, "see its text")[0]
    texts = []
    for file in one.files or ():
        if _LICENCE_FILE.search(file.name) and file.suffix in ("", ".txt", ".md", ".rst"):
            path = Path(str(one.locate_file(file)))
            if path.is_file():
                texts.append(path.read_text(encoding="utf-8", errors="replace").strip())
    body = "\n\n".join(dict.fromkeys(texts)) or "(it brings no licence text)"
    return f"{data['Name']} {one.version}\n{licence}\n\n{body}\n"


def _field(one: Distribution, name: str) -> list[str]:
    """The values of a field of its metadata."""
    return one.metadata.get_all(name) or []


def _installed() -> Iterator[Distribution]:
    """What gptdesk depends on, directly or not, and is installed; by name."""
    found: dict[str, Distribution] = {}
    waiting = list(declared_packages())
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of an extra, or for another system
            continue
        needed = (text for text in found[key].requires or () if "extra" not in text.partition(";")[2])
        waiting += [match[0] for match in map(PACKAGE_NAME.match, needed) if match]
    return (found[key] for key in sorted(found))
