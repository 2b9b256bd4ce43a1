"""What is said when an export cannot be written."""

from __future__ import annotations

from pathlib import Path


def why_not_saved(path: Path, error: Exception) -> str:
    """One sentence with the reason."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"The charts cannot be saved to {path} ({reason}); choose another place."
