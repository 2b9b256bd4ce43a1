"""Whether the system has been asked to save power, as far as that can be known in microseconds."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Final

PROFILE: Final = Path("/sys/firmware/acpi/platform_profile")
"""Where Linux says how the machine balances power and speed (Documentation/ABI/testing/sysfs-platform_profile)."""

_SAVES_POWER: Final = "low-power"


class _PowerStatus(ctypes.Structure):
    """SYSTEM_POWER_STATUS of winbase.h; ``system_status_flag`` is 1 while battery saver is on."""

    _fields_ = (
        ("ac_line_status", ctypes.c_ubyte),
        ("battery_flag", ctypes.c_ubyte),
        ("battery_life_percent", ctypes.c_ubyte),
        ("system_status_flag", ctypes.c_ubyte),
        ("battery_life_time", ctypes.c_ulong),
        ("battery_full_life_time", ctypes.c_ulong),
    )


def power_saver_is_on() -> bool:
    """Whether battery saver (Windows) or the low-power profile (Linux) is on; False where the system does not tell."""
    if sys.platform == "win32":
        status = _PowerStatus()
        return bool(ctypes.windll.kernel32.GetSystemPowerStatus(ctypes.byref(status)) and status.system_status_flag)
    try:
        return PROFILE.read_text(encoding="ascii").strip() == _SAVES_POWER
    except (OSError, ValueError):
        return False
