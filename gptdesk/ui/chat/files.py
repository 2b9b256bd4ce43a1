"""Exports the open chat to files, and imports chats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.chat.messages import read_chat, to_json, to_markdown, to_training_data
from gptdesk.chat.turns import ChatTurn, spoken
from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.ui.chat.chats import Chats
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.file_names import file_name
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import SettingsService

_END_MS: Final = 15_000


class ChatFormat(NamedTuple):
    """A format of files."""

    suffix: str
    label: str
    write: Callable[[Sequence[ChatTurn]], bytes]

    @property
    def filter(self) -> str:
        return f"{self.label} (*{self.suffix})"


FORMATS: Final = (
    ChatFormat(".json", "OpenAI messages", to_json),
    ChatFormat(".md", "Markdown", to_markdown),
    ChatFormat(".jsonl", "Training data", to_training_data),
)
_IMPORTED: Final = "Chats (*.json *.jsonl *.md *.markdown);;All files (*)"


class ChatFiles(QObject):
    """Asks for files, and reads and writes them.

    Args:
        window: parent of dialogs.
    """

    def __init__(
        self, session: ChatSession, chats: Chats, settings: SettingsService, messages: PageMessages, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._chats, self._settings = session, chats, settings
        self._messages, self._window = messages, window
        self._queue = TaskQueue("chat files", self)

    @Slot()
    def ask_export(self) -> None:
        """Asks for a file and format, and writes the turns that are shown."""
        place = Path(self._settings.value.folder or Path.home(), f"{file_name(self._session.document.title)}.json")
        filters = ";;".join(one.filter for one in FORMATS)
        found, chosen = QFileDialog.getSaveFileName(self._window, "Export chat", str(place), filters)
        if found:
            self.export(Path(found), chosen)

    def export(self, path: Path, chosen: str = "") -> None:
        """Writes the turns that are shown; the suffix tells the format, else what was chosen in the dialog."""
        known = [one for one in FORMATS if one.suffix == path.suffix.lower()]
        known += [one for one in FORMATS if one.filter == chosen]
        form = (known or list(FORMATS))[0]
        path = path if path.suffix else path.with_suffix(form.suffix)
        try:
            data = form.write(spoken(self._session.turns))
            with replacing(path) as temporary:
                temporary.write_bytes(data)
        except UserError as error:
            self._messages.refuse(str(error))
        except OSError as error:
            self._messages.refuse(f"{path} cannot be written ({error.strerror}).")
        else:
            self._settings.update(folder=str(path.parent))
            self._messages.succeed(f"Exported to {path}.")

    @Slot()
    def ask_import(self) -> None:
        """Asks for a file, and opens the chat in it."""
        folder = self._settings.value.folder or str(Path.home())
        found, _ = QFileDialog.getOpenFileName(self._window, "Import chat", folder, _IMPORTED)
        if found:
            self.read(Path(found))

    def read(self, path: Path) -> None:
        """Opens the chat in a file as a new one."""
        self._queue.run(lambda: read_chat(path), self._chats.open_turns, self._messages.refuse)

    def close(self) -> None:
        """Ends the work."""
        self._queue.shut_down(_END_MS)
