"""Makes the files by which a Linux desktop and shell know the program, in their folders under ``/usr/share``.

``make_desktop_files.py SHARE`` writes them; run by the Python that is frozen, which has gptdesk's dependencies.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from describe_commands import bash_completion, fish_completion, man_page, zsh_completion
from project import COMMAND, COMPONENT, HOMEPAGE, NAME, PACKAGING, ROOT, SUMMARY, VERSION, source_date

ICON_SIZES: Final = (16, 22, 24, 32, 48, 64, 128, 256, 512)
"""Pixels; the sizes of the hicolor theme."""

_LINUX: Final = PACKAGING / "linux"


def write_desktop_files(share: Path) -> None:
    """Writes them under ``share``, the folder that becomes ``/usr/share``."""
    _copy(_LINUX / "gptdesk.desktop", share / "applications" / f"{NAME}.desktop")
    _copy(_LINUX / "gptdesk-mime.xml", share / "mime" / "packages" / "gptdesk.xml")
    _write(share / "metainfo" / f"{COMPONENT}.metainfo.xml", metainfo())
    icons = share / "icons" / "hicolor"
    _copy(ROOT / "resources" / "icons" / "gptdesk.svg", icons / "scalable" / "apps" / "gptdesk.svg")
    _copy(_LINUX / "gptdesk-symbolic.svg", icons / "symbolic" / "apps" / "gptdesk-symbolic.svg")
    draw_icons(icons)
    page = share / "man" / "man1" / f"{COMMAND}.1.gz"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes(gzip.compress(man_page().encode(), mtime=0))
    _write(share / "bash-completion" / "completions" / COMMAND, bash_completion())
    _write(share / "zsh" / "vendor-completions" / f"_{COMMAND}", zsh_completion())
    _write(share / "fish" / "vendor_completions.d" / f"{COMMAND}.fish", fish_completion())


def draw_icons(folder: Path) -> None:
    """Draws the program's icon as PNGs of `ICON_SIZES` in ``folder``, laid out as an icon theme."""
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([])
    picture = QSvgRenderer(str(ROOT / "resources" / "icons" / "gptdesk.svg"))
    for size in ICON_SIZES:
        target = folder / f"{size}x{size}" / "apps" / "gptdesk.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        image = QImage(QSize(size, size), QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        picture.render(painter)
        painter.end()
        image.save(str(target))
    application.quit()


def metainfo() -> str:
    """AppStream's description of the program; the releases are those of CHANGELOG.md."""
    template = (_LINUX / "metainfo.xml").read_text(encoding="utf-8")
    date = datetime.fromtimestamp(source_date(), UTC).date().isoformat()
    releases = [(VERSION, date)]
    for version, day in re.findall(r"^## \[(\d[^]]*)\] - (\d{4}-\d\d-\d\d)", _changelog(), re.MULTILINE):
        releases = [one for one in releases if one[0] != version] + [(version, day)]
    listed = "\n".join(f'    <release version="{version}" date="{day}"/>' for version, day in releases)
    values = {"ID": COMPONENT, "NAME": NAME, "SUMMARY": escape(SUMMARY), "HOMEPAGE": HOMEPAGE, "RELEASES": listed}
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], template)


def _changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_desktop_files(Path(sys.argv[1]))
