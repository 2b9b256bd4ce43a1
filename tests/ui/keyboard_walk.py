"""Walks the widgets of a window or dialog as a person with a keyboard, or a screen reader, meets them."""

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)

from gptdesk.ui.widgets.action_button import ActionButton

INTERACTIVE = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit,
    QTextEdit,
)  # fmt: skip
INNER = (QComboBox, QAbstractSpinBox, QLineEdit, QScrollBar, QAbstractItemView)
"""Kinds whose parts Qt makes and names."""

ROLES = {
    getattr(QAccessible.Role, name)
    for name in (
        "PushButton", "ButtonMenu", "ButtonDropDown", "CheckBox", "RadioButton", "Slider", "SpinBox", "ComboBox",
        "EditableText", "List", "Table", "Tree", "Link", "PageTab", "StaticText", "Document",
    )
}  # fmt: skip
MOST_STEPS = 400


def takes_tab(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def interactive(root: QWidget) -> list[QWidget]:
    """The visible, enabled widgets that a person can use."""
    return [
        widget
        for widget in (root, *root.findChildren(QWidget))
        if widget.isVisible()
        and widget.isEnabled()
        and widget.window() is root.window()
        and (isinstance(widget, INTERACTIVE) or takes_tab(widget))
        and not isinstance(widget, QScrollBar)
        and not is_viewport(widget)
        and not any(isinstance(parent, INNER) for parent in ancestors(widget))
    ]


def is_viewport(widget: QWidget) -> bool:
    """Whether Qt made a widget for the contents of another."""
    parent = widget.parentWidget()
    return isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget


def ancestors(widget: QWidget) -> Iterator[QWidget]:
    while (parent := widget.parentWidget()) is not None:
        yield parent
        widget = parent


def spoken(widget: QWidget) -> str:
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


def called(widget: QWidget) -> str:
    """For messages of a test."""
    return f"{type(widget).__name__} “{spoken(widget)}” in {type(widget.parentWidget()).__name__}"


def unnamed(root: QWidget) -> list[str]:
    return [f"no name: {called(widget)}" for widget in interactive(root) if not spoken(widget).strip()]


def without_role(root: QWidget) -> list[str]:
    """Widgets of no usual role: Qt has none for a chart, which is described instead."""
    return [
        f"no role: {called(widget)}"
        for widget in interactive(root)
        if QAccessible.queryAccessibleInterface(widget).role() not in ROLES and not widget.accessibleDescription()
    ]


def walk(root: QWidget) -> list[str]:
    """Presses Tab until the focus comes back, and says what was not reached, and what does not show that it has it."""
    problems: list[str] = []
    root.window().activateWindow()
    QApplication.processEvents()
    start = QApplication.focusWidget()
    if start is None or not (root is start or root.isAncestorOf(start)):
        start = next((widget for widget in interactive(root) if takes_tab(widget)), None)
        if start is None:
            return ["nothing can have the focus"]
        start.setFocus(Qt.FocusReason.TabFocusReason)
    reached, here = {start}, start
    for _ in range(MOST_STEPS):
        shown = picture(here)
        QTest.keyClick(here, Qt.Key.Key_Tab)
        then = QApplication.focusWidget()
        if then is None or then is here:
            problems += [f"a dead end: {called(here)}"] if others(root, here) else []
            break
        if picture(here) == shown:
            problems.append(f"focus not visible: {called(here)}")
        if then in reached:
            break
        reached.add(then)
        here = then
    missed = [
        widget
        for widget in interactive(root)
        if widget not in reached
        and widget.focusProxy() not in reached
        and not isinstance(widget, ActionButton)  # its command is in the palette
        and not in_a_reached_group(widget, reached)
    ]
    return problems + [f"not reached: {called(widget)}" for widget in missed]


def others(root: QWidget, here: QWidget) -> list[QWidget]:
    return [widget for widget in interactive(root) if takes_tab(widget) and widget is not here]


def in_a_reached_group(widget: QWidget, reached: set[QWidget]) -> bool:
    """Radio buttons, and cards that exclude each other, are one stop: arrows choose among them."""
    if not isinstance(widget, QAbstractButton):
        return False
    siblings = (other for other in reached if isinstance(other, type(widget)) and other.parent() is widget.parent())
    return any(other.autoExclusive() or other.group() is not None for other in siblings)


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()
