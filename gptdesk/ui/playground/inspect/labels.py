"""Numbers as the Inspect pane writes them."""

from __future__ import annotations

from gptdesk.ui import number_format


def signed(value: float, digits: int) -> str:
    """+0.50, −1.20, 0.00: with that many digits after the point."""
    written = number_format.decimal(abs(value), digits)
    if written == number_format.decimal(0.0, digits):
        return written
    return f"{'+' if value > 0 else '−'}{written}"
