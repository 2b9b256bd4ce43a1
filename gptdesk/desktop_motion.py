"""Whether GNOME has been asked to show no animations, which Qt does not tell."""

from __future__ import annotations

import os
import sys
from typing import Final

_SETTING: Final = ("org.gnome.desktop.interface", "enable-animations")
_LONGEST_S: Final = 10.0


def is_gnome() -> bool:
    """Whether the desktop reads GNOME's settings, as GNOME itself and those made from it do."""
    return sys.platform == "linux" and "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":")


def animations_are_off() -> bool:
    """Whether the person has switched animations off in GNOME's settings; False where that cannot be learned.

    Runs ``gsettings``, which takes some 20 ms: not for the GUI thread.
    """
    if not is_gnome():
        return False
    import subprocess  # after the first paint, which does not need it

    try:
        answer = subprocess.run(
            ["gsettings", "get", *_SETTING], capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == "false"
