"""Why a completion ended, in words."""

from __future__ import annotations

from typing import Final

FINISH_REASONS: Final = {
    "length": "max tokens reached",
    "stop": "stop string or Until",
    "end_of_text": "end of text",
    "cancelled": "by you",
    "failed": "by an error",
}
"""By `DoneEvent.finish_reason`; "failed" is that of a generation that an error ended."""
