"""Menu of a token: makes it more or less likely in the document, or bans it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from gptdesk.inference.sampling.setting_checks import BAN
from gptdesk.ui import number_format
from gptdesk.ui.widgets.popup import Menu

STEP: Final = 2.0
"""What one choice adds to a logit: the odds of the token change by a factor of 7."""


def fill_bias_menu(menu: Menu, bias: float, change: Callable[[float], object]) -> None:
    """Fills the menu.

    Args:
        menu: is cleared first.
        bias: of the token now.
        change: takes the new one; 0 removes it.
    """
    menu.clear()
    if bias:
        menu.addAction(f"Bias now: {number_format.signed(bias)}").setEnabled(False)
        menu.addSeparator()
    more, less = min(-BAN, bias + STEP), max(BAN + STEP, bias - STEP)
    if bias != BAN:
        menu.addAction(f"More likely (bias {number_format.signed(more)})", lambda: change(more))
        menu.addAction(f"Less likely (bias {number_format.signed(less)})", lambda: change(less))
        menu.addAction("Ban in this document", lambda: change(BAN))
    if bias:
        menu.addAction("Lift the ban" if bias == BAN else "Remove the bias", lambda: change(0.0))


def open_bias_menu(parent: QWidget, at: QPoint, bias: float, change: Callable[[float], object]) -> None:
    """Opens such a menu at a place of the screen."""
    menu = Menu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    fill_bias_menu(menu, bias, change)
    menu.popup(at)
