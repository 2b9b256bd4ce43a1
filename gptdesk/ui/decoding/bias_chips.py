"""Biased and banned tokens of the document as chips, which belong to the vocabulary of a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.inference.sampling.setting_checks import BAN
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.ui import number_format
from gptdesk.ui.decoding.escapes import read_escapes, write_escapes
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.chips import Chips
from gptdesk.ui.widgets.tooltips import wrapped

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

HELP: Final = (
    f"{SETTINGS['logit_bias'].help} Type a token to ban it, or a token and its bias, as in ␣cat=-2; ␣ is a space. "
    "A token can also be banned from its card and from the bars of the next token. A bias counts for models with the "
    "vocabulary that it was given in."
)

_WITH_BIAS: Final = re.compile(r"(.+)=([+-]?\d+(?:\.\d+)?)", re.DOTALL)


class BiasChips(QWidget):
    """The settings ``logit_bias`` and ``logit_bias_tokenizer``.

    Attributes:
        chips: one for each token, and a field to add one.
        note: what the biases do to the next token, while that is known.

    Signals:
        changed(): emitted when the person added or removed one.
        refused(str): emitted when an input cannot be used; the sentence says why.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokenizer: Tokenizer | None = None
        self._settings = DecodingSettings()
        self.chips = Chips(theme, show=self._show, read=self._read, check=lambda values: None)
        self.chips.line.setPlaceholderText("Ban a token, for example ␣cat")
        self.chips.line.setAccessibleName("Add a biased token")
        self.chips.line.setAccessibleDescription(HELP)
        self.chips.setToolTip(wrapped(HELP))
        self.chips.changed.connect(self.changed)
        self.chips.refused.connect(self.refused)
        self.note = ElidedLabel()
        self.note.setProperty("kind", "muted")
        self.note.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.chips)
        layout.addWidget(self.note)

    @property
    def changes(self) -> dict[str, Any]:
        """The settings, as `DecodingSettings` takes them."""
        before = self._settings
        bias = dict(map(_split, self.chips.values))
        added = [id for id in bias if bias[id] != before.logit_bias.get(id)]
        changed = before
        for id in set(before.logit_bias) - set(bias):
            changed = changed.with_bias(changed.logit_bias_tokenizer, id, 0.0)
        if self._tokenizer is not None:
            for id in added:
                changed = changed.with_bias(self._tokenizer.sha256, id, bias[id])
        return {"logit_bias": changed.logit_bias, "logit_bias_tokenizer": changed.logit_bias_tokenizer}

    def show_settings(self, settings: DecodingSettings) -> None:
        """Shows the biases of the settings without a signal."""
        moved = settings.logit_bias_tokenizer != self._settings.logit_bias_tokenizer
        values = tuple(f"{id}={bias!r}" for id, bias in settings.logit_bias.items())
        same = values == self.chips.values
        self._settings = settings
        self.chips.set_values(values)
        if moved and same:
            self.chips.refresh()

    def show_vocabulary(self, tokenizer: Tokenizer | None) -> None:
        """Names the tokens by the vocabulary of the model in use; None where none is loaded."""
        if tokenizer is not self._tokenizer:
            self._tokenizer = tokenizer
            self.chips.refresh()

    def show_note(self, text: str) -> None:
        """Shows what the biases do to the next token; "" nothing."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _show(self, value: str) -> str:
        """␣cat banned, ␣cat −2; token 464 −2 (another vocabulary)."""
        id, bias = _split(value)
        known = self._tokenizer is not None and self._settings.has_biases_of(self._tokenizer.sha256)
        piece = self._tokenizer.piece(id) if known and self._tokenizer is not None else ""
        name = write_escapes(piece) if piece else f"token {id}"
        said = "banned" if bias == BAN else number_format.signed(bias)
        return f"{name} {said}" if known or self._tokenizer is None else f"{name} {said} (another vocabulary)"

    def _read(self, text: str) -> str:
        """The value of a token that was typed, banned where no bias stands behind it."""
        if self._tokenizer is None:
            raise UserError("A token can be named once a model is loaded.")
        match = _WITH_BIAS.fullmatch(text)
        typed, bias = (match[1], float(match[2])) if match else (text, BAN)
        token = read_escapes(typed.replace("␣", " "))
        special = self._tokenizer.special_tokens.get(token)
        ids = [special] if special is not None else self._tokenizer.encode(token)
        if len(ids) != 1:
            pieces = ", ".join(f"“{write_escapes(self._tokenizer.piece(id))}”" for id in ids[:8])
            raise UserError(f"“{typed}” is {len(ids)} tokens of this model ({pieces}); name one of them.")
        DecodingSettings(logit_bias={ids[0]: bias})  # refuses what is out of range
        return f"{ids[0]}={bias!r}"


def _split(value: str) -> tuple[int, float]:
    """Id and bias of a chip's value."""
    id, _, bias = value.partition("=")
    return int(id), float(bias)
