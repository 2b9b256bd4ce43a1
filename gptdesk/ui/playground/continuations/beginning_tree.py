"""Tree of continuations that share their beginnings, each with its probability as a bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.continuations.beginnings import Beginning, shared_beginnings
from gptdesk.inference.continuations.continuation import Continuation
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.continuations.share_delegate import VALUE, ShareDelegate
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.theme import Theme

_HEADINGS: Final = ("Continuation", "Probability", "Log-probability")
_HELP: Final = (
    "What follows the text; ␣ is a space. Continuations that begin alike share their beginning",
    "Of the text up to here, in the model's own distribution; the longest bar is that of the most probable entry",
    "Its natural logarithm",
)
_SHARE: Final = 1

_BEGINNING: Final = Qt.ItemDataRole.UserRole + 1


class BeginningTree(QTreeWidget):
    """Shows continuations; every entry can be chosen, a shared beginning, too."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first: tuple[int, ...] = ()  # tokens of the entry that became the current one by itself
        self.setObjectName("beginnings")
        self.setAccessibleName("Probable continuations")
        self.setHeaderLabels(_HEADINGS)
        for column, help in enumerate(_HELP):
            self.headerItem().setToolTip(column, help)
        self.setItemDelegateForColumn(_SHARE, ShareDelegate(theme, self))
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setExpandsOnDoubleClick(False)  # a double click chooses
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in ((_SHARE, 240), (2, 120)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, scaled(width))

    @property
    def chosen(self) -> Beginning | None:
        """The current entry."""
        item = self.currentItem()
        return None if item is None else item.data(0, _BEGINNING)

    def show_found(self, found: Sequence[Continuation], tokenizer: Tokenizer) -> None:
        """Shows continuations of one prompt; an entry that the person chose stays the current one."""
        before = self.chosen if self.chosen is not None and self.chosen.ids != self._first else None
        self.clear()
        tops = shared_beginnings(found)
        largest = tops[0].probability if tops else 1.0
        self.addTopLevelItems([_item(one, tokenizer, largest) for one in tops])
        self.expandAll()
        items = list(self._items())
        same = [item for item in items if before is not None and item.data(0, _BEGINNING).ids == before.ids]
        if items:
            self._first = items[0].data(0, _BEGINNING).ids
            self.setCurrentItem((same or items)[0])

    def _items(self) -> Iterator[QTreeWidgetItem]:
        root = self.invisibleRootItem()
        waiting = [root.child(row) for row in range(root.childCount())]
        for item in filter(None, waiting):
            yield item
            waiting += [item.child(row) for row in range(item.childCount())]


def _item(one: Beginning, tokenizer: Tokenizer, largest: float) -> QTreeWidgetItem:
    """An entry; its bar is as long as its probability is a share of ``largest``."""
    text = token_text(tokenizer.decode(one.ids[one.shared :]))
    total = number_format.decimal(sum(one.logprobs), 2).replace("-", "\N{MINUS SIGN}")
    item = QTreeWidgetItem([text, percent(one.probability), total])
    item.setData(_SHARE, VALUE, one.probability / largest)
    item.setData(0, _BEGINNING, one)
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{text}, {percent(one.probability)}")
    item.setToolTip(0, token_text(tokenizer.decode(one.ids)))
    item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.addChildren([_item(child, tokenizer, largest) for child in one.children])
    return item
