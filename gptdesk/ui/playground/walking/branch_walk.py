"""Goes from branch to branch: siblings at the fork before the caret, and from fork to fork of the text."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.store.branches.outline import Fork, fork_at
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session

_RUNNING = "A generation is running."


class BranchWalk(QObject):
    """Where the caret is among the branches, and the steps from there.

    Attributes:
        fork: the one before the caret, else the first one of the text; ``None`` in a text without forks.

    Signals:
        changed(): emitted when ``fork`` has other branches or shows another one, and when a generation begins or ends.
    """

    changed = Signal()

    def __init__(self, session: Session, editor: Editor) -> None:
        super().__init__(editor)
        self._session, self._editor = session, editor
        self.fork: Fork | None = None
        self._known: tuple[object, ...] = ()
        session.changed.connect(self._on_changed)
        session.opened.connect(self.update_fork)
        session.activity_changed.connect(self.update_fork)
        editor.cursorPositionChanged.connect(self._on_changed)

    def why_no_sibling(self, step: int) -> str | None:
        """Why the branch before (-1) or after (1) the one that is shown cannot be shown; ``None`` if it can."""
        if self._session.busy:
            return _RUNNING
        if self.fork is None:
            return "The text has no branches."
        if self._sibling(self.fork, step) is None:
            return "This is the first branch." if step < 0 else "This is the last branch."
        return None

    def why_no_fork(self, step: int) -> str | None:
        """Why there is nothing to go to before (-1) or behind (1) the caret; ``None`` if there is."""
        if self._session.busy:
            return _RUNNING
        if self._stop(step) is None and not (step > 0 and self._goes_on):
            return "There is no fork before the caret." if step < 0 else "There is no fork after the caret."
        return None

    def show_sibling(self, step: int) -> None:
        """Shows the branch before (-1) or after (1) the one that is shown at the fork."""
        if self.fork is not None and (id := self._sibling(self.fork, step)) is not None:
            self._show(id, self.fork.start)

    def go_to_fork(self, step: int) -> None:
        """Moves the caret to the fork before (-1) or after it (1), or the end; from there, shows what was left off."""
        stop = self._stop(step)
        if stop is not None:
            self._editor.show_place(stop)
        elif step > 0 and self._goes_on:
            fork = self._session.document.forks[-1]
            self._show(fork.branches[-1], fork.start)

    @Slot()
    def update_fork(self) -> None:
        """Looks where the caret is among the branches."""
        self.fork = fork_at(self._session.document.forks, self._editor.selection[1])
        known = self.fork and (self.fork.branches, self.fork.shown), self._session.busy
        if known != self._known:
            self._known = known
            self.changed.emit()

    @Slot()
    def _on_changed(self) -> None:
        if not self._session.document.generating:  # which adds text, but no forks
            self.update_fork()

    def _sibling(self, fork: Fork, step: int) -> int | None:
        """The first node of the branch beside the one that is shown; of the newest where none is."""
        if fork.shown is None:
            return fork.branches[-1]
        place = fork.shown + step
        return fork.branches[place] if 0 <= place < len(fork.branches) else None

    def _stop(self, step: int) -> int | None:
        """The nearest fork or end of the text before (-1) or behind (1) the caret, in characters."""
        forks, caret = self._session.document.forks, self._editor.selection[1]
        stops = [fork.start for fork in forks] + [fork.end for fork in forks[-1:]]
        if step < 0:
            return max((stop for stop in stops if stop < caret), default=None)
        return min((stop for stop in stops if stop > caret), default=None)

    @property
    def _goes_on(self) -> bool:
        """Whether the tree has more behind the end of the text that is shown."""
        forks = self._session.document.forks
        return bool(forks) and forks[-1].shown is None

    def _show(self, id: int, start: int) -> None:
        """Shows a branch that begins at ``start``; the caret goes to its next fork or its end."""
        bar = self._editor.verticalScrollBar()
        scrolled = bar.value()
        self._session.step(lambda document: document.go_to(id))
        bar.setValue(scrolled)
        for fork in self._session.document.forks:
            if fork.start == start:
                self._editor.show_place(fork.start)
                self._editor.show_place(fork.end)
        self._editor.setFocus()
