#!/usr/bin/env python3
"""Builds twice from clean clones in different folders, and says which files of the two builds differ.

``packaging/compare_builds.py`` takes half an hour on two cores; ``packaging/compare_builds.py DIST DIST`` compares what
was built already. Exits with 1 if anything differs that is not in `EXCEPTIONS`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from project import ROOT, source_date

EXCEPTIONS: Final[dict[str, str]] = {}
"""Patterns of files that may differ, and why."""


def main() -> int:
    """Builds where no folders are given, compares, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("built", nargs="*", type=Path, metavar="DIST", help="two folders dist/ instead of new builds")
    parser.add_argument("--targets", nargs="+", default=["bundle", "wheel"], help="what is built (bundle wheel)")
    parser.add_argument("--keep", type=Path, help="folder for the clones, which are kept then")
    options = parser.parse_args()
    if len(options.built) not in (0, 2):
        parser.error("give two folders, or none")
    if options.built:
        return report(*options.built)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="gptdesk-builds-"))
    try:
        return report(*(build(folder / name, options.targets) for name in ("first", "a-second-folder")))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def build(clone: Path, targets: Sequence[str]) -> Path:
    """Clones the last commit, builds in the clone, and returns its ``dist``."""
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(source_date())}
    environment.pop("PYTHONPATH", None)
    subprocess.run([sys.executable, "packaging/build.py", *targets], cwd=clone, env=environment, check=True)
    return clone / "dist"


def report(first: Path, second: Path) -> int:
    """Prints the differences of two folders, and returns 1 if there are any that are no exceptions."""
    expected, unexpected = [], []
    for name, how in differences(first, second):
        reasons = [reason for pattern, reason in EXCEPTIONS.items() if fnmatch(name, pattern)]
        (expected if reasons else unexpected).append(f"{name}: {how}" + "".join(f" ({reason})" for reason in reasons))
    for line in (*expected, *unexpected):
        print(line)
    files = len(digests(first))
    print(f"{files} files; {len(expected)} differ as documented, {len(unexpected)} for no known reason.")
    return 1 if unexpected else 0


def differences(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    """Each name that the folders do not have in common with the same contents, and what differs."""
    ours, theirs = digests(first), digests(second)
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            yield name, f"only in the {'second' if name in theirs else 'first'}"
        elif ours[name] != theirs[name]:
            yield name, "mode, date or link" if ours[name][0] == theirs[name][0] else "contents"


def digests(folder: Path) -> dict[str, tuple[str, str]]:
    """SHA-256 of each file, and its mode, date and link target, by its name in the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        status = path.lstat()
        if path.is_symlink():
            found[name] = ("", f"-> {os.readlink(path)}")
        elif path.is_file():
            contents = hashlib.sha256(path.read_bytes()).hexdigest()
            inside = len(Path(name).parts) > 1  # a file of `dist` itself has the date of its making
            found[name] = (contents, f"{status.st_mode:o} {int(status.st_mtime) if inside else 0}")
    return found


if __name__ == "__main__":
    sys.exit(main())
