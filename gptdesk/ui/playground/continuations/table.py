"""Table of scored endings, each with its share as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.continuations.continuation import Continuation, shares
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.continuations.share_delegate import VALUE, ShareDelegate
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.theme import Theme

_HEADINGS: Final = ("Ending", "Share", "Log-probability", "Per token", "Tokens")
_HELP: Final = (
    "As typed; ␣ is a space",
    "Its probability if it must be one of these endings",
    "Natural logarithm of its probability after the text",
    "Mean log-probability of its tokens",
    "Log-probability of each of its tokens",
)
_SHARE: Final = 1


class EndingTable(QTableWidget):
    """One row for each ending, the most probable first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADINGS), parent)
        self.setAccessibleName("Scored endings")
        self.setItemDelegateForColumn(_SHARE, ShareDelegate(theme, self))
        for column, (title, help) in enumerate(zip(_HEADINGS, _HELP, strict=True)):
            heading = QTableWidgetItem(title)
            heading.setToolTip(help)
            self.setHorizontalHeaderItem(column, heading)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        for corner in self.findChildren(QAbstractButton):
            corner.setAccessibleName("All endings")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(scaled(32))
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_SHARE, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(len(_HEADINGS) - 1, QHeaderView.ResizeMode.Stretch)
        header.setMaximumSectionSize(scaled(210))
        self.setColumnWidth(_SHARE, scaled(200))

    def show_endings(self, found: Sequence[Continuation], tokenizer: Tokenizer) -> None:
        """Shows endings of one prompt."""
        self.setRowCount(len(found))
        rows = sorted(zip(found, shares(found), strict=True), key=lambda row: -row[1])
        for row, (one, share) in enumerate(rows):
            tokens = "   ".join(
                f"{token_text(tokenizer.piece(id))} {_number(logprob)}"
                for id, logprob in zip(one.ids, one.logprobs, strict=True)
            )
            texts = (token_text(one.text), percent(share), _number(one.total), _number(one.mean), tokens)
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column == _SHARE:
                    item.setData(VALUE, share)
                self.setItem(row, column, item)
        self.setCurrentCell(0, 0)


def _number(value: float) -> str:
    return number_format.decimal(value, 2).replace("-", "\N{MINUS SIGN}")
