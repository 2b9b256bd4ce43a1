"""Whether the system has been asked to save power, as far as that can be known in microseconds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

PROFILE: Final = Path("/sys/firmware/acpi/platform_profile")
"""Where Linux says how the machine balances power and speed (Documentation/ABI/testing/sysfs-platform_profile)."""

_SAVES_POWER: Final = "low-power"


_STATUS_BYTES: Final = 12
_STATUS_FLAG: Final = 3
"""Size of Windows' SYSTEM_POWER_STATUS (winbase.h), and the place of its byte that is 1 while battery saver is on."""


def power_saver_is_on() -> bool:
    """Whether battery saver (Windows) or the low-power profile (Linux) is on; False where the system does not tell."""
    if sys.platform == "win32":
        import ctypes  # the window does not need it before it is painted

        status = ctypes.create_string_buffer(_STATUS_BYTES)
        return bool(ctypes.windll.kernel32.GetSystemPowerStatus(status)) and status.raw[_STATUS_FLAG] == 1
    try:
        return PROFILE.read_text(encoding="ascii").strip() == _SAVES_POWER
    except (OSError, ValueError):
        return False
