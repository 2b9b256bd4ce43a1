"""Names of keys on the screen: the large Enter key and that of the number pad are both "Enter"."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, QTranslator
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication

_KEYS = "QShortcut"
"""Context in which Qt translates names of keys."""


class _KeyNames(QTranslator):
    """Renames "Return", as Qt calls the large Enter key, where Qt shows it too: in menus."""

    def translate(
        self, context: str, sourceText: str, disambiguation: str | bytes | None = None, n: int = -1
    ) -> str | None:  # None is a null string: not translated here
        return "Enter" if (context, sourceText) == (_KEYS, "Return") else None

    def isEmpty(self) -> bool:
        return False


def use_key_names(app: QObject) -> None:
    """Makes Qt's menus use the names of `key_name`."""
    if app.findChild(_KeyNames) is None:
        QApplication.installTranslator(_KeyNames(app))


def parse_key(text: str) -> QKeySequence:
    """The key of a portable text such as "Ctrl+Return"; empty if there is none.

    `QKeySequence(text)` would read names on the screen: "Enter" is then the large key, in files that of the number pad.
    """
    return QKeySequence.fromString(text, QKeySequence.SequenceFormat.PortableText)


def key_name(key: QKeySequence | str) -> str:
    """The key, or that of a portable text, as this system writes it, such as "Ctrl+Enter" or "⌘K"; "" for none."""
    sequence = parse_key(key) if isinstance(key, str) else key
    return sequence.toString(QKeySequence.SequenceFormat.NativeText)


def key_names(keys: Iterable[str]) -> list[str]:
    """The keys of portable texts as this system writes them; each name once."""
    return list(dict.fromkeys(map(key_name, keys)))
