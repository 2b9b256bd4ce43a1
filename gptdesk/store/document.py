"""A document: the tree of runs of text behind the editor, with edits, generations, undo and redo."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.store.branches.branched_text import BranchedText
from gptdesk.store.branches.history import Step
from gptdesk.store.runs import Origin, Run, Token, clean, clean_mixed, clean_mixed_piece, join, length_of, settle
from gptdesk.store.snapshot import Snapshot
from gptdesk.store.titles import LOOKED_AT, title_of

_CUT_OFF: Final = ("cancelled", "failed")
"""Why a generation ended that would have gone on."""


class Document(BranchedText):
    """A text that a person and models write together.

    Positions count characters (code points) of ``text``, in which a placeholder stands for each special token
    (`MixedText`). A generation runs from `begin_generation` to `end_generation`; an edit in between ends it.

    Attributes:
        id: unique name.
        created: seconds since 1970.
        own_title, decoding, file, chat_template: as in `Snapshot`; whoever sets them has the document saved.
    """

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        super().__init__(*((snapshot.nodes.values(), snapshot.leaf) if snapshot else ()))
        self.id = snapshot.id if snapshot else uuid.uuid4().hex
        self.created = snapshot.created if snapshot else time.time()
        self.own_title = snapshot.own_title if snapshot else None
        self.decoding = snapshot.decoding if snapshot else None
        self.file = snapshot.file if snapshot else None
        self.chat_template = snapshot.chat_template if snapshot else None
        self._growing: int | None = None  # node that a generation is writing
        self._step = Step(0, (), (), branches=True)  # what that generation does

    @property
    def title(self) -> str:
        """The one that the person gave, or else the beginning of the text."""
        return self.own_title or self._first_words

    @property
    def _first_words(self) -> str:
        return title_of(self.mixed[:LOOKED_AT])

    @property
    def generating(self) -> bool:
        return self._growing is not None

    def stop_writing(self) -> None:
        """Cancels the generation that is running."""
        if self.generating:
            self.end_generation("cancelled")

    def snapshot(self) -> Snapshot:
        nodes = dict(self._tree.nodes)
        return Snapshot(
            self.id, self._first_words, self.created, nodes, self._tree.leaf,
            self.own_title, self.decoding, self.file, self.chat_template,
        )  # fmt: skip

    def generated_spans(self) -> list[tuple[int, int]]:
        """Start and end of every generated stretch, neighbours joined."""
        spans: list[tuple[int, int]] = []
        position = 0
        for run in self._tree.runs:
            end = position + len(run.text)
            if run.generated and spans and spans[-1][1] == position:
                spans[-1] = spans[-1][0], end
            elif run.generated:
                spans.append((position, end))
            position = end
        return spans

    # Edits

    def replace(self, start: int, end: int, text: str, *, special: tuple[str, ...] = (), typing: bool = False) -> None:
        """Puts typed ``text`` in the place of the characters from ``start`` to ``end``.

        A generated run that is edited inside is split; what is left of a token that was cut becomes typed.

        Args:
            start, end: of the replaced characters.
            text: the new ones.
            special: names of the special tokens for which placeholders stand in ``text``; without names, a placeholder
                is a character that cannot be used.
            typing: whether the edit is one of many small ones, which are undone a word at a time.
        """
        assert 0 <= start <= end <= len(self.text), "an edit must lie inside the text"
        self.stop_writing()
        inserted = clean_mixed(_mixed(text, special))
        if start == end and not inserted:
            return
        self._history.record(replace(self._substitute(start, end, inserted), open=typing))
        self.changed_at = start + len(inserted)

    def amend(self, start: int, end: int, text: str, *, special: tuple[str, ...] = (), typing: bool = False) -> None:
        """As `replace`, in all branches that share the replaced characters, where they are typed ones of one run.

        Undoing it takes it back in the text that is shown.
        """
        self.stop_writing()
        inserted = clean_mixed(_mixed(text, special))
        old = self.mixed[start:end]
        if (start < end or inserted) and self._tree.amend(start, end, Run(inserted.text, special=inserted.names)):
            self._changed()
            before = tuple(join([Run(old.text, special=old.names)]))
            after = tuple(join([Run(inserted.text, special=inserted.names)]))
            self._history.record(Step(start, before, after, open=typing))
            self.changed_at = start + len(inserted)
        else:
            self.replace(start, end, text, special=special, typing=typing)

    def rename_special(self, rename: Callable[[str], str]) -> None:
        """Gives special tokens other names, in all branches and for good.

        Args:
            rename: returns the new name for a name.
        """
        self.stop_writing()
        for node in list(self._tree.nodes.values()):
            names = tuple(map(rename, node.run.special))
            if names != node.run.special:
                self._tree.set_run(node.id, replace(node.run, special=names))
        self._changed()

    def branch(self, start: int, new: str | Run) -> None:
        """Puts text, typed or generated, in the place of all from ``start`` on, which stays as another branch.

        A generated run that the tree holds already stays one.
        """
        self.stop_writing()
        end = len(self.text)
        first, typed, old = self._parting(start)
        runs = tuple(join([*typed, settle(new) if isinstance(new, Run) else Run(clean(new))]))
        self._history.close()
        self._tree.compact()
        self._fork(first, end, runs)
        self._history.record(Step(first, old, runs, branches=True))
        self.changed_at = first + length_of(runs)

    def add_branches(self, start: int, runs: Iterable[Run]) -> None:
        """Adds generated runs that go on from ``start`` to the tree, each as a branch. The text stays as it is."""
        assert not self.generating, "the text is not being written"
        self._tree.compact()
        first, typed, _ = self._parting(start)
        for run in runs:
            self._tree.add_branch(first, [*typed, settle(run)])
        self._changed()

    def _parting(self, start: int) -> tuple[int, tuple[Run, ...], tuple[Run, ...]]:
        """Where a branch from ``start`` leaves the text; typed, what it keeps of a cut token; what it leaves."""
        first, _, old = self._whole_tokens(start, len(self.text))
        kept = self.mixed[first:start]
        return first, tuple(join([Run(kept.text, special=kept.names)])), old

    def replace_all(self, edits: Sequence[tuple[int, int, str]]) -> None:
        """Puts typed texts in the places of stretches, given by start, end and text, as one step that can be undone.

        What lies between the stretches, which ascend and do not overlap, stays generated where it was.
        """
        self.stop_writing()
        if edits:
            start, end, old = self._whole_tokens(edits[0][0], edits[-1][1])
            behind = len(self.text) - end
            steps = [self._substitute(*edit[:2], clean_mixed(_mixed(edit[2], ()))) for edit in reversed(edits)]
            _, self.changed_at, new = self._whole_tokens(start, len(self.text) - behind)
            self._history.record(Step(start, old, new, forked=steps[0].forked))

    def redo(self) -> bool:
        return not self.generating and super().redo()

    # Generations

    def begin_generation(self, origin: Origin, *, start: int | None = None) -> str:
        """A model goes on from ``start``, the end when not given, in the place of what stands behind.

        What stands behind stays in the tree as another branch. Of a token that ``start`` cuts, the beginning becomes
        typed text.

        Returns:
            The prompt: all the text before it.
        """
        assert not self.generating, "one generation at a time"
        length = len(self.text)
        first, typed, old = self._parting(length if start is None else start)
        self._history.close()
        self._tree.compact()
        if old:
            self._fork(first, length, typed)
        self._step = Step(first, old, typed, branches=True)
        self._growing = self._tree.append(Run("", (), origin))
        self.revision += 1
        return self.text

    def append_tokens(self, text: str, tokens: Iterable[Token], *, special: tuple[str, ...] = ()) -> None:
        """Appends generated tokens; ``text`` may lag behind them while a possible stop string is held back.

        Args:
            text: what they add to the text.
            tokens: a special token among them has a length of 1 where a placeholder stands for it.
            special: as in `replace`.
        """
        assert self._growing is not None, "no generation is running"
        run = self._tree.nodes[self._growing].run
        added = clean_mixed_piece(_mixed(text, special))
        run = replace(run, text=run.text + added.text, tokens=(*run.tokens, *tokens), special=run.special + added.names)
        self._tree.set_run(self._growing, run)
        if self._mixed is not None:
            self._mixed += added
        self.revision += 1

    def end_generation(self, finish_reason: str, **known: Any) -> None:
        """Ends the generation, which becomes one undo step; one without text leaves no trace.

        Where a branch holds the same generation, that branch is shown, and no second one stays; nothing can be undone
        where it was shown before. What was cut off stays as it is.

        Args:
            finish_reason: why it ended.
            known: fields of its origin that were not known at its beginning; those that are ``None`` still are not.
        """
        assert self._growing is not None, "no generation is running"
        run = settle(self._tree.nodes[self._growing].run)
        assert run.origin is not None
        facts = {name: value for name, value in known.items() if value is not None}
        run = replace(run, origin=replace(run.origin, finish_reason=finish_reason, **facts))
        step = self._step
        if run.text:
            self._tree.set_run(self._growing, run)
            before = len(self._tree.path) - 1
            if finish_reason not in _CUT_OFF:
                self._tree.drop_duplicate()
            step = replace(step, new=(*step.new, *join(self._tree.runs[before:])))
            if step.new != step.old:
                self._history.record(step)
        else:
            self._tree.drop_leaf()
            # The text before it is in the tree; what was typed of a cut token is needed no more.
            if not step.new or self._tree.go_back(step.start, step.end, step.old) is None:
                self._fork(step.start, step.end, step.old)
        self._growing = None
        self._changed()

    def last_generation(self) -> int | None:
        """Where the text of the newest generation still in the text begins."""
        position, start, newest = 0, None, None
        for run in self._tree.runs:
            if run.origin and run.origin.generation != newest:
                newest, start = run.origin.generation, position
            position += len(run.text)
        return start

    def last_origin(self) -> Origin | None:
        """Where the newest generation still in the text comes from."""
        return next((run.origin for run in reversed(self._tree.runs) if run.origin), None)

    def typed_since_generation(self) -> str:
        """What a person typed behind the beginning of the newest generation, which generating it anew takes away."""
        start = self.last_generation()
        position, typed = 0, ""
        for run in self._tree.runs:
            if start is not None and position >= start and not run.generated:
                typed += run.text
            position += len(run.text)
        return typed

    def _whole_tokens(self, start: int, end: int) -> tuple[int, int, tuple[Run, ...]]:
        """The smallest range around ``start`` to ``end`` that cuts no token in two, and the runs in it."""
        covered = []
        position = 0
        first, last = start, end
        for run in self._tree.runs:
            low, high = max(start - position, 0), min(end - position, len(run.text))
            if (low < high) or (start == end and 0 < low < len(run.text)):
                low, high = run.whole(low, high)
                first, last = min(first, position + low), max(last, position + high)
                if low < high:
                    covered.append(run.cut(low, high))
            position += len(run.text)
        return first, last, tuple(join(covered))

    def _substitute(self, start: int, end: int, inserted: MixedText) -> Step:
        old_start, old_end, old = self._whole_tokens(start, end)
        whole = self.mixed[old_start:start] + inserted + self.mixed[end:old_end]
        new = tuple(join([Run(whole.text, special=whole.names)]))
        forked = self._tree.replace(old_start, old_end, new)
        self._changed()
        return Step(old_start, old, new, forked=forked)


def _mixed(text: str, special: tuple[str, ...]) -> MixedText:
    """Text as `Document.replace` gets it."""
    return MixedText(text if special else text.replace(PLACEHOLDER, "\ufffd"), special)
