#!/usr/bin/env python3
"""Makes everything that people install and that this system can make, in ``dist/``; needs only Python's library."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from make_archive import make_archive
from make_bundle import BUNDLE, make_bundle
from make_deb import make_deb
from make_wheel import make_wheel
from project import DIST, BuildError, size_of


def _bundle() -> list[Path]:
    return [make_bundle()]


def _from_bundle(make: Callable[[Path], Path]) -> Callable[[], list[Path]]:
    def packed() -> list[Path]:
        if not BUNDLE.is_dir():
            make_bundle()
        return [make(BUNDLE)]

    return packed


TARGETS: Final[dict[str, tuple[str, Callable[[], list[Path]]]]] = {
    "bundle": ("the folder that runs without Python", _bundle),
    "archive": ("that folder as .tar.xz", _from_bundle(make_archive)),
    "deb": ("the package for Debian and Ubuntu", _from_bundle(make_deb)),
    "fast-deb": ("the same without compression, for tries", _from_bundle(partial(make_deb, fast=True))),
    "wheel": ("the Python package, as wheel and source", make_wheel),
}

_ONLY_ASKED_FOR: Final = ("fast-deb",)

"""What can be made: a word about it, and what makes it."""


def main() -> int:
    """Makes the targets that are named, or all that this system can make, and prints their sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = "; ".join(f"{name}: {text}" for name, (text, _) in TARGETS.items())
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET", help=names)
    targets = parser.parse_args().targets or [name for name in TARGETS if _is_possible(name)]
    made: list[Path] = []
    for number, name in enumerate(targets, 1):
        print(f"[{number}/{len(targets)}] {TARGETS[name][0]} ...", flush=True)
        began = time.monotonic()
        try:
            files = TARGETS[name][1]()
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
        made += files
        for file in files:
            print(f"    {file}: {size_of(file) / 1e6:.1f} MB, {time.monotonic() - began:.0f} s", flush=True)
    _write_sums([file for file in made if file.is_file()])
    return 0


def _is_possible(target: str) -> bool:
    return target not in _ONLY_ASKED_FOR and (target != "deb" or shutil.which("dpkg-deb") is not None)


def _write_sums(files: list[Path]) -> None:
    """Writes the SHA-256 of each file in the form of ``sha256sum``."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files]
    if lines:
        (DIST / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
