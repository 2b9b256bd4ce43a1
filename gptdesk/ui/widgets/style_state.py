"""Changes properties of widgets that the style sheet selects by."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Sets a property and applies the style sheet again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_kind(widget: QWidget, kind: str) -> None:
    """Sets the property "kind", such as "muted" or "bad"."""
    set_property(widget, "kind", kind)
