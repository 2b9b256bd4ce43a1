"""Special tokens of the model in use and of the open document: which there are, inserting, turning to text and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, can_stand_in_text
from gptdesk.ui import number_format
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.undo_offer import offer_undo
from gptdesk.ui.services.inference_messages import NO_MODEL
from gptdesk.ui.services.services import InferenceService, MessageService

_TOPIC: Final = "special tokens"
_NAMED: Final = 3
"""Names in a message at most."""


class SpecialTokens(QObject):
    """Shows a banner while the document contains special tokens that the model in use does not have.

    Args:
        page: id of the page on which the banner is shown.

    Signals:
        changed(): emitted when ``known`` may have changed.
    """

    changed = Signal()

    def __init__(
        self, inference: InferenceService, session: Session, messages: MessageService, page: str, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._inference, self._session, self._messages, self._page = inference, session, messages, page
        self._missing: tuple[str, ...] = ()
        inference.state_changed.connect(self._on_model_changed)
        session.changed.connect(self._look)
        session.opened.connect(self._on_opened)

    @property
    def known(self) -> frozenset[str] | None:
        """Names of the special tokens of the model; ``None`` without a model."""
        info = self._inference.info
        return frozenset(info.tokenizer.special_tokens) if info is not None else None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that can stand in a text, by id."""
        info = self._inference.info
        special = info.tokenizer.special_tokens if info is not None else {}
        return tuple(filter(can_stand_in_text, sorted(special, key=special.__getitem__)))

    def why_none(self) -> str | None:
        """Why no special token can be inserted; ``None`` if one can."""
        if self._inference.info is None:
            return NO_MODEL
        return None if self.names else "The tokenizer of the model has no special tokens."

    def why_no_text(self) -> str | None:
        """Why no special token can become text; ``None`` if one can."""
        return None if self._session.document.mixed.names else "The text contains no special token."

    def from_names(self, start: int, end: int) -> None:
        """Puts special tokens of the model in the place of their names between these characters."""
        mixed = self._session.document.mixed[start:end]
        changes = [
            (start + place, start + place + len(name), MixedText(PLACEHOLDER, (name,)))
            for place, name in _occurrences(mixed.text, self.names)
        ]
        if changes:
            what = "a special token" if len(changes) == 1 else "special tokens"
            self._change(changes, f"{number_format.counted(len(changes), 'name')} turned into {what}.")
        else:
            self._refuse("There is no name of a special token of this model.")

    def to_text(self, start: int, end: int) -> None:
        """Spells the special tokens between these characters."""
        mixed = self._session.document.mixed[start:end]
        places = [start + index for index, letter in enumerate(mixed.text) if letter == PLACEHOLDER]
        changes = [(place, place + 1, MixedText(name)) for place, name in zip(places, mixed.names, strict=True)]
        if changes:
            self._change(changes, f"{number_format.counted(len(changes), 'special token')} turned into text.")
        else:
            self._refuse("There is no special token in the selection.")

    def _refuse(self, sentence: str) -> None:
        self._messages.toast(sentence, kind="info", of_document=True)

    def _change(self, changes: list[tuple[int, int, MixedText]], sentence: str) -> None:
        """Makes the changes, which ascend, and offers to undo all of them."""
        depth = self._session.document.history.depth
        for start, end, mixed in reversed(changes):
            self._session.edit(start, end, mixed.text, False, mixed.names)
        offer_undo(self._messages, self._session, depth, sentence)

    @Slot()
    def _on_model_changed(self) -> None:
        self._look()
        self.changed.emit()

    @Slot()
    def _on_opened(self) -> None:
        self._missing = ()  # the banner about the former document was removed
        self._look()

    @Slot()
    def _look(self) -> None:
        known = self.known
        names = self._session.document.mixed.names
        missing = tuple(dict.fromkeys(name for name in names if name not in known)) if known is not None else ()
        if missing == self._missing:
            return
        self._missing = missing
        if missing:
            every = partial(self.to_text, 0, len(self._session.document.text))
            offers = [("Turn into text", every)] if set(missing) == set(names) else []
            self._messages.show(
                f"The model in use does not have {_listed(missing)}, and reads it as text.",
                kind="info", topic=_TOPIC, page=self._page, of_document=True, offers=offers,
            )  # fmt: skip
        else:
            self._messages.solve(_TOPIC)


def _occurrences(text: str, names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Where names stand in ``text``; of names that overlap, the longest counts."""
    wanted = sorted(names, key=len, reverse=True)
    pattern = "|".join(map(re.escape, wanted))
    for match in re.finditer(pattern, text) if wanted else ():
        yield match.start(), match[0]


def _listed(names: tuple[str, ...]) -> str:
    """The special token <|a|>; the special tokens <|a|>, <|b|> and 3 more."""
    if len(names) == 1:
        return f"the special token {names[0]}"
    shown, rest = names[:_NAMED], len(names) - _NAMED
    listed = ", ".join(shown[:-1]) + f" and {shown[-1]}" if rest <= 0 else f"{', '.join(shown)} and {rest} more"
    return f"the special tokens {listed}"
