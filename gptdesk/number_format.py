"""Numbers as text: counts, sizes, durations, shares and values of metrics, for command line, window and messages.

The functions write English digits; `gptdesk.ui.number_format` writes the same in the language of the system.
"""

from __future__ import annotations

import math
from typing import Final

from gptdesk.metrics import Format

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
"""Seconds."""


class NumberFormat:
    """Rules by which numbers are written; a subclass may write the digits in another language."""

    def decimal(self, number: float, digits: int) -> str:
        """1,234.50: with that many digits after the point."""
        return f"{number:,.{digits}f}"

    def count(self, number: int) -> str:
        """1,024."""
        return f"{number:,}"

    def counted(self, number: int, what: str) -> str:
        """1 file, 1,024 files; ``what`` is a noun whose plural ends in s."""
        return f"{self.count(number)} {what}{'' if number == 1 else 's'}"

    def size(self, size: float) -> str:
        """512 bytes, 48 MB, 1.5 GB: bytes in powers of 1,000, as disks and the hub count."""
        value, unit = size, "bytes"
        for larger in ("kB", "MB", "GB", "TB"):
            if round(value) < 1000:
                break
            value, unit = value / 1000, larger
        return f"{self.decimal(value, 1 if unit in ('GB', 'TB') else 0)} {unit}"

    def parameters(self, number: int) -> str:
        """124M, 1.6B: weights of a model."""
        for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
            if number >= size:
                share = number / size
                return self.decimal(share, 1 if share < 10 else 0) + unit
        return self.count(number)

    def percent(self, share: float) -> str:
        """41 %: a share of 1."""
        return f"{self.decimal(100 * share, 0)} %"

    def rate(self, per_second: float) -> str:
        """9.5, 142: without unit; one digit after the point below 10."""
        return self.decimal(per_second, 0 if per_second >= 10 else 1)

    def duration(self, seconds: float) -> str:
        """0.3 s, 45 s, 19 min, 3 h 20 min, 2 d 4 h: the two largest units."""
        if seconds < 59.5:
            return f"{self.decimal(seconds, 1 if seconds < 9.95 else 0)} s"
        minutes = round(seconds / _MINUTE)
        if minutes < 60:
            return f"{minutes} min"
        hours, minutes = divmod(minutes, 60)
        if hours < 24:
            return f"{hours} h {minutes} min" if minutes else f"{hours} h"
        days, hours = divmod(hours, 24)
        return f"{self.count(days)} d {hours} h" if hours else f"{self.count(days)} d"

    def short_duration(self, milliseconds: float) -> str:
        """38 ms, or 2.4 s."""
        if milliseconds < 1000:
            return f"{self.decimal(milliseconds, 0)} ms"
        return f"{self.decimal(milliseconds / 1000, 1)} s"

    def waiting_time(self, seconds: float) -> str:
        """40 seconds, 5 minutes, 3 hours, 1 day: one unit, rounded up; for a sentence that says how long to wait."""
        units = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"))
        size, unit = next(((size, unit) for size, unit in units if seconds >= size), (1, "second"))
        return self.counted(math.ceil(seconds / size), unit)

    def ago(self, seconds: float) -> str:
        """just now, 2 min ago, 3 h ago, 5 d ago."""
        for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
            if seconds >= size:
                return f"{self.count(int(seconds // size))} {unit} ago"
        return "just now" if seconds < 10 else f"{int(seconds)} s ago"

    def metric_value(self, format: Format, value: float) -> str:
        """A value of a metric with its unit.

        Args:
            format: of the metric, from `gptdesk.metrics.METRICS`.
            value: in the unit of the metric.
        """
        if not math.isfinite(value):
            return "not finite"
        match format:
            case "bytes":
                return self.size(value)
            case "share":
                return self.percent(value)
            case "rate":
                return self.rate(value)
            case "milliseconds":
                return f"{self.decimal(value, 0 if value >= 100 else 1)} ms"
            case "digits":
                return self.decimal(value, max(0, 2 - math.floor(math.log10(value)))) if value > 0 else "0"
            case "decimal":
                return self.decimal(value, 3)


_ENGLISH: Final = NumberFormat()
count, counted, decimal = _ENGLISH.count, _ENGLISH.counted, _ENGLISH.decimal
size, parameters, percent, rate = _ENGLISH.size, _ENGLISH.parameters, _ENGLISH.percent, _ENGLISH.rate
duration, waiting_time, ago = _ENGLISH.duration, _ENGLISH.waiting_time, _ENGLISH.ago
metric_value = _ENGLISH.metric_value
