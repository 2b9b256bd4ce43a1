"""Makes the .tar.xz from the bundle: for Linux systems without Debian's packages."""

from __future__ import annotations

import lzma
import platform
import sys
import tarfile
from pathlib import Path

from project import DIST, NAME, VERSION, source_date


def make_archive(bundle: Path) -> Path:
    """Packs the bundle and returns the file; the same files give the same bytes."""
    target = DIST / f"{NAME}-{VERSION}-{sys.platform}-{platform.machine()}.tar.xz"
    date = source_date()

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = date
        return member

    with (
        lzma.open(target, "wb", preset=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (bundle, *sorted(bundle.rglob("*"))):
            name = f"{NAME}-{VERSION}" / path.relative_to(bundle)
            tar.add(path, arcname=str(name), recursive=False, filter=plain)
    return target
