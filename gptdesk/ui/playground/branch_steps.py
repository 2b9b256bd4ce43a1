"""What the session does with branches of the document: shows, removes and names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gptdesk.store.document import Document
from gptdesk.store.runs import Run
from gptdesk.ui.playground.changing import changes_document


class BranchSteps:
    """A part of `Session`, which changes the document."""

    document: Document

    @changes_document
    def go_to(self, id: int) -> None:
        """Shows the branch that begins with a node, as `Document.go_to`."""
        self._change(lambda: self.document.go_to(id))

    @changes_document
    def prune(self, id: int) -> None:
        """Removes a branch, as `Document.prune`."""
        self._change(lambda: self.document.prune(id))

    @changes_document
    def set_bookmark(self, id: int, name: str | None) -> None:
        """Gives a branch a bookmark, as `Document.set_bookmark`."""
        self.document.set_bookmark(id, name)
        self._on_changed()

    def add_branches(self, start: int, runs: Iterable[Run]) -> None:
        """Adds generated runs that go on from ``start`` to the tree, as `Document.add_branches`."""
        self.document.add_branches(start, runs)
        self._on_changed()

    def refuses(self) -> bool:
        """As `Session.refuses`."""
        raise NotImplementedError

    def _change(self, change: Callable[[], bool]) -> None:
        raise NotImplementedError

    def _on_changed(self) -> None:
        raise NotImplementedError
