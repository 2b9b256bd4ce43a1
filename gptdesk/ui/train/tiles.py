"""The numbers of a run that are looked at most, each explained on hover, and how far the run is."""

from __future__ import annotations

import math
from typing import Any, Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.training.history import RunHistory
from gptdesk.training.index import RunEntry
from gptdesk.ui.figures import count, decimal, memory, percent, span
from gptdesk.ui.fonts import smaller

NOTHING: Final = "–"
_PER_MILLE: Final = 1000
_GAP: Final = 8

_MFU_HELP: Final = (
    "Model FLOP/s utilization: how much of what the hardware can do at best goes into the model.\n"
    "MFU = (6 N + 12 L C T) × tokens per second ÷ peak FLOP/s of all devices,\n"
    "with N weights, L blocks, C the width and T the context length (Chowdhery et al. 2022, appendix B)."
)
_MEMORY_HELP: Final = "The most memory that this process has held so far{where}. MFU is not known for this hardware."


class Tile(QFrame):
    """One number with its name above it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.name, self.figure = QLabel(name), _Figure(NOTHING)
        self.name.setProperty("kind", "muted")
        self.name.setFont(smaller(self.font()))
        self.figure.setProperty("kind", "figure")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(2)
        layout.addWidget(self.name)
        layout.addWidget(self.figure)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_figure(self, text: str, help: str, name: str = "") -> None:
        """Shows the number, and on hover what it means."""
        if name:
            self.name.setText(name)
        self.figure.setText(text)
        self.setToolTip(help)
        self.setAccessibleName(f"{self.name.text()} {text}")
        self.setAccessibleDescription(help)


class _Figure(QLabel):
    """A number that makes no tile wider than there is room; it is then shortened at its end."""

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().minimumSizeHint().height())


class Tiles(QWidget):
    """Step, losses, speed, how well the hardware is used and the time left; below them how far the run is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step, self.loss, self.validation = Tile("Step"), Tile("Train loss"), Tile("Validation")
        self.speed, self.use, self.left = Tile("Tokens/s"), Tile("MFU"), Tile("Time left")
        self.tiles = (self.step, self.loss, self.validation, self.speed, self.use, self.left)
        self.bar = QProgressBar()
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the run")
        self.note = QLabel()
        self.note.setProperty("kind", "muted")
        self.note.setFont(smaller(self.font()))
        self.note.setMinimumWidth(40)
        self._grid = QGridLayout()
        self._grid.setSpacing(_GAP)
        self._columns = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(_GAP)
        layout.addLayout(self._grid)
        layout.addWidget(self.bar)
        layout.addWidget(self.note)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._arrange(6)

    def show_run(self, entry: RunEntry, history: RunHistory) -> None:
        """Shows where the run stands."""
        last, facts = history.last, history.facts
        step, steps = entry.step, entry.steps
        self._show_step(step, steps, last, facts)
        loss = entry.loss if entry.loss is not None else _number(last.get("loss"))
        self.loss.show_figure(_loss(loss), _loss_help("The loss of the newest step, in nats a token", loss))
        self._show_validation(entry, history)
        speed = _number(last.get("tokens_per_s"))
        self.speed.show_figure(
            NOTHING if speed is None else decimal(speed, 0 if speed >= 10 else 1),
            "Tokens that the model learns from in a second, by the median of the last steps.",
        )
        self._show_use(last, facts)
        self._show_time(entry)

    def _show_step(self, step: int | None, steps: int | None, last: dict[str, Any], facts: dict[str, Any]) -> None:
        done = NOTHING if step is None else count(step)
        self.step.show_figure(
            f"{done} / {count(steps)}" if steps else done,
            "Steps taken, of those planned: in each the weights are changed once.",
        )
        share = min(1.0, (step or 0) / steps) if steps else 0.0
        self.bar.setValue(round(_PER_MILLE * share))
        self.bar.setToolTip(f"{percent(share)} of the steps are taken.")

    def _show_validation(self, entry: RunEntry, history: RunHistory) -> None:
        values = history.validation.value
        newest = history.final_validation
        if newest is None and len(values):
            newest = float(values[-1])
        help = _loss_help("The loss on text that the model does not learn from, in nats a token", newest)
        notes = _notes(history)
        if entry.best_loss is not None and entry.best_step is not None:
            best = f"best validation {decimal(entry.best_loss, 3)} at step {count(entry.best_step)}"
            help += f"\nIts best so far is {decimal(entry.best_loss, 4)}, at step {count(entry.best_step)}."
            notes.append(best)
        self.validation.show_figure(_loss(newest), help)
        self.note.setText("  ·  ".join(notes))
        self.note.setToolTip(self.note.text())

    def _show_use(self, last: dict[str, Any], facts: dict[str, Any]) -> None:
        mfu, held = _number(last.get("mfu")), _number(last.get("memory"))
        if mfu is None and held is not None:
            where = f" on {facts['device']}" if facts.get("device") else ""
            self.use.show_figure(memory(round(held)), _MEMORY_HELP.format(where=where), "Memory")
            return
        self.use.show_figure(NOTHING if mfu is None else percent(mfu), _MFU_HELP, "MFU")

    def _show_time(self, entry: RunEntry) -> None:
        left = entry.seconds_left if entry.active else None
        self.left.show_figure(
            NOTHING if left is None else span(left),
            "Steps left times the median time of a step; evaluations and checkpoints come on top.",
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wanted = sum(tile.sizeHint().width() for tile in self.tiles) + _GAP * (len(self.tiles) - 1)
        self._arrange(6 if self.width() >= wanted else 3)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for number, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, number // columns, number % columns)
        for column in range(6):
            self._grid.setColumnStretch(column, (3 if column == 0 else 2) if column < columns else 0)


def _notes(history: RunHistory) -> list[str]:
    tokens, epoch = _number(history.last.get("tokens")), _number(history.last.get("epoch"))
    notes = [] if tokens is None else [f"{count(round(tokens))} tokens"]
    return notes if epoch is None else [*notes, f"{decimal(epoch, 2)} epochs"]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _loss(value: float | None) -> str:
    return NOTHING if value is None or not math.isfinite(value) else decimal(value, 2)


def _loss_help(what: str, value: float | None) -> str:
    if value is None or not math.isfinite(value) or value > 50:
        return what + "."
    figures = f"{decimal(value, 4)}, a perplexity of {decimal(math.exp(value), 1)}"
    return f"{what}: {figures}, as if each token were chosen among so many."
