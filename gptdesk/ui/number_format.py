"""Numbers as a person reads them, in the language of the system."""

from __future__ import annotations

import math

from PySide6.QtCore import QLocale

from gptdesk.metrics import Format


def use_readable_locale() -> None:
    """Where the system names no language, numbers are written as in English, with separators."""
    if QLocale.system().language() == QLocale.Language.C:
        QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))


def count(number: int) -> str:
    """1,024."""
    return QLocale().toString(number)


def tokens(number: int) -> str:
    """1 token, 1,024 tokens."""
    return "1 token" if number == 1 else f"{count(number)} tokens"


def decimal(number: float, digits: int) -> str:
    """12.5."""
    return QLocale().toString(number, "f", digits)


def parameters(number: int) -> str:
    """124M: weights of a model."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if number >= size:
            share = number / size
            return decimal(share, 1 if share < 10 else 0) + unit
    return count(number)


def memory(size: int) -> str:
    """48 MB: bytes."""
    return QLocale().formattedDataSize(size, 1 if size >= 10**9 else 0, QLocale.DataSizeFormat.DataSizeSIFormat)


def speed(tokens_per_second: float) -> str:
    """142 tok/s."""
    return f"{decimal(tokens_per_second, 0 if tokens_per_second >= 10 else 1)} tok/s"


def duration(milliseconds: float) -> str:
    """38 ms, or 2.4 s."""
    if milliseconds < 1000:
        return f"{decimal(milliseconds, 0)} ms"
    return f"{decimal(milliseconds / 1000, 1)} s"


def percent(share: float) -> str:
    """41 %: a share of 1."""
    return f"{decimal(100 * share, 0)} %"


def metric_value(format: Format, value: float) -> str:
    """A value of a metric with its unit, by the format that `gptdesk.metrics` gives."""
    if not math.isfinite(value):
        return "not finite"
    match format:
        case "bytes":
            return memory(round(value))
        case "share":
            return percent(value)
        case "rate":
            return decimal(value, 0 if value >= 10 else 1)
        case "milliseconds":
            return f"{decimal(value, 0 if value >= 100 else 1)} ms"
        case "digits":
            return decimal(value, max(0, 2 - math.floor(math.log10(value)))) if value > 0 else "0"
        case "decimal":
            return decimal(value, 3)


def span(seconds: float) -> str:
    """0.3 s, 45 s, 19 min, 3 h 20 min, or 2 d 4 h: how long something takes."""
    if seconds < 60:
        return f"{decimal(seconds, 1 if seconds < 9.95 else 0)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{count(days)} d {hours} h" if hours else f"{count(days)} d"


def ago(seconds: float) -> str:
    """Just now, 2 min ago, 3 h ago, or 5 d ago."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{count(int(seconds // size))} {unit} ago"
    return "just now" if seconds < 10 else f"{int(seconds)} s ago"
