"""Keys of a list of cards: Up, Down, Home and End lead to another card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QWidget

W = TypeVar("W", bound=QWidget)


def go_to_card(key: int, cards: Sequence[W], current: W, area: QScrollArea) -> W | None:
    """Gives the focus to the card that a key leads to, and scrolls to it.

    Args:
        key: a `Qt.Key`.
        cards: from top to bottom.
        current: the one that has the focus.
        area: shows the cards.

    Returns:
        The card; ``None`` for other keys.
    """
    place = cards.index(current) if current in cards else 0
    places = {
        Qt.Key.Key_Up: max(0, place - 1),
        Qt.Key.Key_Down: min(len(cards) - 1, place + 1),
        Qt.Key.Key_Home: 0,
        Qt.Key.Key_End: len(cards) - 1,
    }
    if key not in places:
        return None
    card = cards[places[Qt.Key(key)]]
    card.setFocus()
    area.ensureWidgetVisible(card)
    return card
