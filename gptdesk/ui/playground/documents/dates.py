"""Formats when a document was changed, relative to now."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QDate, QLocale

_MINUTE, _HOUR, _WEEK = 60, 3600, 7


def when(moment: float, now: float) -> str:
    """Just now, 12 min ago, 3 h ago, yesterday, Monday, 12 March, or 12 March 2025.

    Args:
        moment: seconds since 1970.
        now: the same.
    """
    day, today = datetime.fromtimestamp(moment).date(), datetime.fromtimestamp(now).date()
    seconds, days = now - moment, (today - day).days
    if days <= 0:
        if seconds < _MINUTE:
            return "just now"
        return f"{int(seconds // _MINUTE)} min ago" if seconds < _HOUR else f"{int(seconds // _HOUR)} h ago"
    if days == 1:
        return "yesterday"
    date = QDate(day.year, day.month, day.day)
    if days < _WEEK:
        return QLocale().toString(date, "dddd")
    return QLocale().toString(date, "d MMMM" if day.year == today.year else "d MMMM yyyy")
