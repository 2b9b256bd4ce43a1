"""What figures are measured on."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path


def describe_machine(*packages: str) -> dict[str, str]:
    """The processor, the system, Python's version and those of ``packages``."""
    processor = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux
    return {
        "processor": processor,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
