"""Console output and event log of a run; both follow the end unless the user scrolls up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QWidget

from gptdesk.training.history.history import RunHistory
from gptdesk.ui import number_format
from gptdesk.ui.fonts import fixed_font

_LINES: Final = 2000
"""Lines that are kept, as many as `ConsoleTail` returns."""

_EVENTS: Final = 500
"""Events that are shown, the newest."""


class LogView(QPlainTextEdit):
    """A list of lines that can be selected and copied."""

    def __init__(self, name: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setProperty("kind", "log")
        self.setAccessibleName(name)
        self.setPlaceholderText(empty)
        self.setTabChangesFocus(True)
        self.setFont(fixed_font())
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)  # keeps columns aligned; scrolls sideways
        self.setMaximumBlockCount(_LINES)
        self._lines: tuple[str, ...] = ()

    def show_lines(self, lines: Sequence[str]) -> None:
        """Shows these lines; does nothing if they are the same."""
        if (new := tuple(lines)) == self._lines:
            return
        bar = self.verticalScrollBar()
        at_end, place = bar.value() >= bar.maximum() - 1, bar.value()
        kept = _kept(self._lines, new)
        if kept:
            self.appendPlainText("\n".join(new[kept:]))  # Qt drops the oldest
        else:
            self.setPlainText("\n".join(new))
        bar.setValue(bar.maximum() if at_end else place)
        self._lines = new


class EventView(LogView):
    """Event log of a run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Events", "No events yet.", parent)
        self.setFont(QApplication.font())
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self._shown: tuple[object, ...] = ()

    def show_history(self, history: RunHistory) -> None:
        """Shows the recorded events other than steps."""
        events = list(history.recent)[-_EVENTS:]
        shown = (history, len(events), events[-1] if events else None)
        if shown != self._shown:
            self._shown = shown
            self.show_lines(_lines(events))


def _kept(old: tuple[str, ...], new: tuple[str, ...]) -> int:
    """Number of new lines that are already shown; 0 if the new lines do not continue the old ones."""
    if not old:
        return 0
    # The same text twice is the same object only where it is the same line.
    place = next((number for number in range(len(new) - 1, -1, -1) if new[number] is old[-1]), -1)
    kept = place + 1
    return kept if 0 < kept < len(new) and kept <= len(old) and new[:kept] == old[-kept:] else 0


def _lines(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each event, below a line for each day."""
    lines: list[str] = []
    day = ""
    for event in events:
        when = QDateTime.fromMSecsSinceEpoch(int(1000 * float(event.get("t") or 0)))
        today = QLocale().toString(when.date(), QLocale.FormatType.LongFormat)
        if today != day:
            lines += ["", today] if day else [today]
            day = today
        step = event.get("step")
        at = f"  step {number_format.count(step)}" if isinstance(step, int) else ""
        lines.append(f"{when.toString('HH:mm:ss')}{at}  {event_text(event)}")
    return lines


def _validation(event: Mapping[str, Any]) -> str:
    bits = event.get("bits_per_byte")
    bits_text = "" if bits is None else f", {number_format.decimal(bits, 4)} bits per byte"
    return f"validation loss {number_format.decimal(event['val_loss'], 4)} nats per token{bits_text}"


def event_text(event: Mapping[str, Any]) -> str:
    """Describes one event."""
    kind = event.get("ev")
    if kind == "start":
        return f"training starts on {event.get('device')} in {event.get('precision')}"
    if kind == "eval" and event.get("val_loss") is not None:
        best = ", the best so far" if event.get("best") else ""
        return f"{_validation(event)}{best}"
    if kind == "final_eval" and event.get("val_loss") is not None:
        return f"{_validation(event)} on the whole split"
    if kind == "checkpoint":
        return "checkpoint saved"
    if kind == "checkpoint_failed":
        return f"checkpoint not saved: {event.get('reason')}"
    if kind == "control":
        answer = f"refused, {event['refused']}" if event.get("refused") else "done"
        return f"{_request(event)}: {answer}"
    if kind == "pause":
        return f"paused: {event['reason']}" if event.get("reason") else "paused"
    if kind == "resume":
        return "resumed"
    if kind == "early_stop":
        return "early stopping: the validation loss no longer improves"
    if kind == "crash":
        return f"crashed: {event.get('reason')}"
    if kind == "end":
        return str(event.get("state") or "ended")
    return str(kind)


def _request(event: Mapping[str, Any]) -> str:
    args = event.get("args") or {}
    if event.get("action") == "set":
        return f"set {args.get('name')} to {args.get('value')}"
    return f"asked to {event.get('action')}"
