"""Announcements for screen readers."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def announce(source: QWidget, text: str) -> None:
    """Has a screen reader say ``text``, about the widget ``source``, whatever has the focus."""
    # Late: the first class has long enumerations, for which the window would be painted later.
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, text))
