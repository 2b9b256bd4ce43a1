"""Makes the Debian package from the bundle."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from make_bundle import ENVIRONMENT, set_dates
from project import (
    BUILD,
    COMMAND,
    DIST,
    HOMEPAGE,
    MAINTAINER,
    NAME,
    PACKAGING,
    SUMMARY,
    VERSION,
    BuildError,
    run,
    size_of,
    source_date,
)

from gptdesk.program.installation import MARK
from run import QT_LIBRARIES, X11_LIBRARIES

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_NOT_BUNDLED: Final = {
    "libresolv.so.2": "", "ld-linux-x86-64.so.2": "", "ld-linux-aarch64.so.1": "",
    **{f"lib{name}": "" for name in ("c.so.6", "m.so.6", "dl.so.2", "pthread.so.0", "rt.so.1", "util.so.1")},
    "libxcb.so.1": "libxcb1", "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0", "libwayland-egl.so.1": "libwayland-egl1",
}  # fmt: skip
"""Libraries that are never in a bundle, and their Debian packages; "" for those of the C library."""

_PACKED: Final = ("-Zxz", "-z6", "--threads-max=2")
_STORED: Final = ("-Znone",)
_DESCRIPTION: Final = """\
 Continues the text that you type, streaming, with all the usual decoding
 settings; downloads OpenAI's GPT-2 models; trains models on your own texts and
 shows the training live. A small model is included.
"""


def make_deb(bundle: Path, *, fast: bool = False) -> Path:
    """Packs the bundle and returns the file.

    Args:
        bundle: folder that `make_bundle` made.
        fast: without compression, for tries.

    Raises:
        BuildError: when dpkg-deb is missing or fails.
    """
    root = BUILD / "deb"
    shutil.rmtree(root, ignore_errors=True)
    base = root / "usr" / "lib" / NAME
    base.mkdir(parents=True)
    shutil.copytree(bundle, base / "package", symlinks=True, copy_function=os.link)
    (base / "package" / "_internal" / NAME / MARK).write_text("deb\n", encoding="utf-8")
    (root / "usr" / "bin").mkdir()
    for command in (NAME, COMMAND):
        (root / "usr" / "bin" / command).symlink_to(f"../lib/{NAME}/current/{command}")
    run([ENVIRONMENT / "bin" / "python", PACKAGING / "make_desktop_files.py", root / "usr" / "share"])
    documents = root / "usr" / "share" / "doc" / NAME
    documents.mkdir(parents=True)
    shutil.copy2(bundle / "LICENSE", documents / "copyright")
    shutil.copy2(bundle / "THIRD-PARTY-LICENCES", documents)
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(_control(bundle, size_of(root)), encoding="utf-8")
    for name in ("postinst", "prerm"):
        script = (PACKAGING / "debian" / name).read_text(encoding="utf-8").replace("@BUILD@", build_name())
        (control / name).write_text(script, encoding="utf-8")
        (control / name).chmod(0o755)
    for path in root.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    set_dates(root)
    target = DIST / f"{NAME}_{VERSION}_{_architecture()}.deb"
    run(
        ["dpkg-deb", "--root-owner-group", *(_STORED if fast else _PACKED), "--build", root, target],
        SOURCE_DATE_EPOCH=str(source_date()),
    )
    return target


def build_name() -> str:
    """Name of the folder of this build; two builds of one version have different ones."""
    return f"{VERSION}-{source_date()}"


def dependencies(bundle: Path) -> list[str]:
    """The C library of at least the version that the bundle asks for, and the packages of the libraries that it needs
    and does not bring; `run.py` names them for Qt.

    Raises:
        BuildError: when a library needs one that no package is known of.
    """
    brought = {path.name for path in bundle.rglob("*.so*")}
    needed, glibc = set(), (2, 0)
    for path in bundle.rglob("*.so*"):
        if path.is_symlink() or not path.is_file():
            continue
        listed = subprocess.run(["readelf", "-dV", path], capture_output=True, text=True, check=False).stdout
        needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", listed))
        versions = ((int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", listed))
        glibc = max(glibc, *versions, (0, 0))
    packages = {**QT_LIBRARIES, **X11_LIBRARIES, **_NOT_BUNDLED}
    unknown = sorted(needed - brought - packages.keys())
    if unknown:
        raise BuildError(f"Libraries of the bundle need {', '.join(unknown)}, of which no Debian package is known.")
    return [f"libc6 (>= {glibc[0]}.{glibc[1]})", *sorted({packages[name] for name in needed - brought} - {""})]


def _control(bundle: Path, size: int) -> str:
    return f"""\
Package: {NAME}
Version: {VERSION}
Architecture: {_architecture()}
Maintainer: {MAINTAINER}
Installed-Size: {size // 1024}
Depends: {", ".join(dependencies(bundle))}
Section: science
Priority: optional
Homepage: {HOMEPAGE}
Description: {SUMMARY}
{_DESCRIPTION}"""


def _architecture() -> str:
    try:
        return _ARCHITECTURES[platform.machine()]
    except KeyError:
        raise BuildError(f"There is no Debian package for {platform.machine()}.") from None
