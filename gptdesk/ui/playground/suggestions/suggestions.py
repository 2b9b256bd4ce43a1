"""Asks for a suggestion while the person pauses at the end of the text, and answers the keys that take it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent

from gptdesk.inference.events import TokenEvent
from gptdesk.inference.interventions.intervention import WHOLE
from gptdesk.power_saver import power_saver_is_on
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.suggestions.ghost_text import GhostText
from gptdesk.ui.playground.suggestions.suggestion import Suggestion, in_one_line, suggested_settings
from gptdesk.ui.services.reading.jobs import SuggestedTokens, SuggestJob
from gptdesk.ui.services.services import Services
from gptdesk.ui.throttle import Debounce

PAUSE_MS: Final = 300
"""Without a key before the model is asked: after the text has been read ahead."""

_TRIED: Final = 3
"""Suggestions for one place; after the last one Esc shows none."""

_TOPIC: Final = "suggestion"

_STAYS: Final = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
"""Why the text loses the focus for a moment, to a menu or another window, and a suggestion stays."""


class Suggestions(QObject):
    """Suggestions of an editor, while the setting ``suggestions`` is on and the computer does not save power.

    A suggestion belongs to the text as it stands, with the caret at its end; any change takes it away. Tab takes it
    into the text, `take_word` its first word, and Esc shows another one, which begins with the next less probable
    token.

    Attributes:
        ghost: what is painted.
    """

    def __init__(self, services: Services, session: Session, editor: Editor) -> None:
        super().__init__(editor)
        self._settings, self._inference = services.settings, services.inference
        self._session, self._editor = session, editor
        self.ghost = GhostText(editor, services.theme)
        self._shown: Suggestion | None = None
        self._job: SuggestJob | None = None
        self._tried: set[int] = set()  # first tokens
        self._had_model = services.inference.info is not None
        self._keeps = False  # the change of the text takes words of what is shown
        self._pause = Debounce(self._ask, PAUSE_MS, self)
        session.changed.connect(self._on_changed)
        session.opened.connect(self._on_changed)
        session.activity_changed.connect(self._on_activity_changed)
        session.model_change.changed.connect(self._on_changed)
        editor.cursorPositionChanged.connect(self._on_changed)
        editor.selectionChanged.connect(self._on_changed)
        editor.touched.connect(self._on_changed)
        services.settings.changed.connect(self._on_settings_changed)
        services.inference.state_changed.connect(self._on_state_changed)
        services.inference.reads.suggested.connect(self._on_suggested)
        editor.installEventFilter(self)

    @property
    def shown(self) -> Suggestion | None:
        """What is shown behind the caret."""
        return self._shown

    def take(self) -> bool:
        """Takes all of it into the text; returns whether there was something."""
        return self._take(self._shown, None)

    def take_word(self) -> bool:
        """Takes its first word into the text; returns whether there was one."""
        return self._take(*self._shown.first_word()) if self._shown is not None else False

    def another(self) -> None:
        """Shows another one; after some, none until the text changes."""
        forced = self._next_first() if len(self._tried) < _TRIED else None
        if forced is None:
            self._clear()
        else:
            self._request(forced)

    def stop(self) -> None:
        """Asks for nothing more."""
        self._pause.cancel()
        self._clear()

    def _take(self, taken: Suggestion | None, rest: Suggestion | None) -> bool:
        info = self._inference.info
        if taken is None or not taken.events or info is None:
            return False
        if self._session.refuses():
            self._clear()
            return True
        self._keeps = True
        self._session.take(None, taken.events, info, taken.settings)
        self._editor.show_end()
        self._keeps = False
        self._tried.clear()
        if rest is not None and rest.events:
            self._show(rest)
        else:
            self._on_changed()
        return True

    # Asking

    @property
    def _wanted(self) -> bool:
        return (
            self._settings.value.suggestions
            and self._inference.info is not None
            and not self._session.busy
            and self._session.model_change.value == WHOLE  # else others would be shown than Generate writes
            and self._editor.is_at_end
            and self._editor.hasFocus()
            and bool(self._session.document.text.strip())
            and not power_saver_is_on()
        )

    @Slot()
    def _on_changed(self) -> None:
        """The text or the caret has changed."""
        if self._keeps or not self._settings.value.suggestions:
            return
        self._clear()
        self._pause.request()

    @Slot()
    def _on_activity_changed(self) -> None:
        if self._session.busy:
            self._pause.cancel()
            self._clear()
        else:
            self._on_changed()

    @Slot()
    def _on_settings_changed(self) -> None:
        if not self._settings.value.suggestions:
            self.stop()
        elif self._shown is None and self._job is None:
            self._pause.request()

    @Slot()
    def _on_state_changed(self) -> None:
        has_model = self._inference.info is not None
        if not has_model:
            self._clear()
        elif not self._had_model and self._settings.value.suggestions:  # somebody may have typed while it was loaded
            self._pause.request()
        self._had_model = has_model

    def _ask(self) -> None:
        if self._wanted:
            self._tried.clear()
            self._request(None)

    def _request(self, forced: TokenEvent | None) -> None:
        settings = suggested_settings(self._settings.value.decoding)
        self._job = SuggestJob(self._session.document.mixed, settings, forced)
        self._inference.reads.suggest(self._job)

    def _next_first(self) -> TokenEvent | None:
        """The most probable first token that was not tried yet."""
        info, shown = self._inference.info, self._shown
        if info is None or shown is None:
            return None
        first = shown.events[0]
        for other in shown.alternatives:
            if other.id not in self._tried and other.id not in info.tokenizer.end_ids and "\ufffd" not in other.text:
                return TokenEvent(0, other.id, other.text, len(other.text), other.logprob, first.entropy, first.top)
        return None

    # Showing

    @Slot(object)
    def _on_suggested(self, answer: SuggestedTokens) -> None:
        if self._job is None or answer.job.question != self._job.question or not self._wanted:
            return
        self._job = None
        events = in_one_line(answer.events)
        if events and "".join(event.text for event in events):
            self._tried.add(events[0].id)
            self._show(Suggestion(events, answer.job.settings))
        else:
            self._clear()

    def _show(self, suggestion: Suggestion) -> None:
        self._shown = suggestion
        self.ghost.show(suggestion.text)
        self._editor.describe(_TOPIC, f"Suggestion, which Tab takes: {suggestion.text}")

    def _clear(self) -> None:
        if self._job is not None:
            self._job = None
            self._inference.reads.cancel(SuggestJob)
        if self._shown is not None:
            self._shown = None
            self.ghost.show("")
            self._editor.describe(_TOPIC, "")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Answers Tab and Esc while a suggestion is shown, which is hidden while the text does not have the focus."""
        if isinstance(event, QFocusEvent) and event.reason() not in _STAYS:
            self._on_changed()
        if self._shown is None or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        acts = {Qt.Key.Key_Tab: self.take, Qt.Key.Key_Escape: self.another}
        act = acts.get(Qt.Key(event.key())) if event.modifiers() == Qt.KeyboardModifier.NoModifier else None
        if act is None:
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        elif event.type() == QEvent.Type.KeyPress:
            act()
        return True
