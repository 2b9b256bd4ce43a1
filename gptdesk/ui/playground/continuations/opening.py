"""Opens the dialogs about continuations of the text before the caret: scores of endings, search for probable ones."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.services import Services


class ContinuationDialogs:
    """What the commands open.

    Args:
        editor: has the caret.
        parent: of the dialogs.
    """

    def __init__(self, services: Services, session: Session, editor: Editor, parent: QWidget) -> None:
        self._services, self._session, self._editor, self._parent = services, session, editor, parent

    def score(self) -> None:
        """Opens the dialog that scores endings of the text before the caret."""
        from gptdesk.ui.playground.continuations.dialog import EndingsDialog

        prompt = self._session.document.mixed[: self._editor.selection[1]]
        EndingsDialog(self._services.theme, self._services.inference, prompt, self._parent).open()

    def search(self) -> None:
        """Opens the dialog that finds probable continuations of the text before the caret."""
        from gptdesk.ui.playground.continuations.search_dialog import SearchDialog

        session, settings, start = self._session, self._services.settings, self._editor.selection[1]
        prompt = session.document.mixed[:start]
        dialog = SearchDialog(self._services.theme, self._services.inference, prompt, self._parent)
        dialog.taken.connect(lambda found, info: session.take(start, found, info, settings.value.decoding))
        dialog.taken.connect(self._editor.show_end)
        session.opened.connect(dialog.reject)
        dialog.open()
