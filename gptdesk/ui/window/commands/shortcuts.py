"""Keys of commands: defaults, the person's changes, conflicts, and the keys in effect in a scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from gptdesk.errors import UserError
from gptdesk.ui.key_names import key_name, key_names, parse_key

Shortcut = QKeySequence.StandardKey | str
"""A key such as "Ctrl+K", or a standard key, which depends on the system and may be several keys."""

_EDITING: Final = ("Cut", "Copy", "Paste", "SelectAll")
"""Standard keys of text fields, which commands cannot have."""

_MODIFIERS: Final = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)
_ALONE: Final = {Qt.Key.Key_Escape, Qt.Key.Key_Delete, *(Qt.Key(Qt.Key.Key_F1.value + n) for n in range(35))}
"""Keys allowed without Ctrl or Alt: they neither type nor move the cursor."""


class Bindings:
    """Keys by command.

    Args:
        changes: keys of commands that differ from the defaults, by id. Entries that cannot be used are ignored, and
            kept if their command is unknown: another version may have it.
    """

    def __init__(self, changes: Mapping[str, Iterable[str]]) -> None:
        self._scopes: dict[str, str] = {}
        self._defaults: dict[str, tuple[str, ...]] = {}
        self._holders: dict[tuple[str, str], str] = {}  # ids by scope and default key
        self._changes = {id: usable_keys(keys) for id, keys in changes.items()}

    def add(self, id: str, scope: str, shortcuts: Iterable[Shortcut]) -> None:
        """Adds a command.

        Raises:
            ValueError: if another command has one of the keys in the same scope by default.
        """
        keys = portable(shortcuts)
        for key in keys:
            if other := self._holders.get((scope, key)):
                raise ValueError(f"{id} and {other} have the same key in the scope {scope!r}")
            self._holders[scope, key] = id
        self._scopes[id], self._defaults[id] = scope, keys

    @property
    def changes(self) -> dict[str, tuple[str, ...]]:
        """The keys that differ from the defaults, by id."""
        return {id: keys for id, keys in self._changes.items() if self._defaults.get(id) != keys}

    def keys(self, id: str) -> tuple[str, ...]:
        """The keys of a command, as portable text."""
        return self._changes.get(id, self._defaults[id])

    def defaults(self, id: str) -> tuple[str, ...]:
        """The default keys of a command."""
        return self._defaults[id]

    def is_changed(self, id: str) -> bool:
        """Whether the person changed the keys."""
        return id in self.changes

    def set(self, id: str, keys: Iterable[str]) -> None:
        """Gives a command other keys.

        Raises:
            UserError: for a key that cannot be a shortcut.
        """
        self._changes[id] = tuple(check_key(key) for key in keys)

    def reset(self, *ids: str) -> None:
        """Gives these commands, or all, their default keys."""
        for id in ids or tuple(self._changes):
            self._changes.pop(id, None)

    def conflicts(self, id: str, key: str) -> tuple[str, ...]:
        """Ids of the commands that have that key in an overlapping scope; pairs that share it by default are none."""
        both = {id: self._defaults[id]}
        return tuple(
            other
            for other in self._scopes
            if other != id
            and key in self.keys(other)
            and _overlap(self._scopes[id], self._scopes[other])
            and not (key in both[id] and key in self._defaults[other])
        )

    def effective(self, scope: str) -> dict[str, tuple[str, ...]]:
        """The keys in effect in a scope, such as "train.data", by id.

        Precedence: narrower scope, then changed over default keys, then the command added first.
        """
        held = [id for id in self._scopes if _contains(self._scopes[id], scope)]
        held.sort(key=lambda id: (-len(self._scopes[id]), not self.is_changed(id)))
        taken: set[str] = set()
        found: dict[str, tuple[str, ...]] = dict.fromkeys(self._scopes, ())
        for id in held:
            found[id] = tuple(key for key in self.keys(id) if key not in taken)
            taken.update(found[id])
        return found


def portable(shortcuts: Iterable[Shortcut]) -> tuple[str, ...]:
    """The keys of shortcuts as portable text such as "Ctrl+Shift+P", each once."""
    sequences = [
        sequence
        for shortcut in shortcuts
        for sequence in ([parse_key(shortcut)] if isinstance(shortcut, str) else QKeySequence.keyBindings(shortcut))
    ]
    return tuple(dict.fromkeys(sequence.toString(QKeySequence.SequenceFormat.PortableText) for sequence in sequences))


def shown(keys: Iterable[str]) -> list[str]:
    """The keys as this system writes them, without those of special keyboards, such as "New"."""
    return key_names(usable_keys(keys))


def check_key(key: str) -> str:
    """Returns the key as portable text.

    Raises:
        UserError: if it cannot be the shortcut of a command.
    """
    sequence = parse_key(key)
    text = sequence.toString(QKeySequence.SequenceFormat.PortableText)
    pressed: QKeyCombination | None = sequence[0] if sequence.count() == 1 else None  # type: ignore[index]
    if not text or pressed is None or pressed.key() in (Qt.Key.Key_unknown, Qt.Key(0)):
        raise UserError(f"“{key}” is not a key; press one, such as Ctrl+K.")
    if is_editing_key(sequence):
        raise UserError(f"{key_name(text)} edits text in every field; choose another key.")
    if not pressed.keyboardModifiers() & _MODIFIERS and pressed.key() not in _ALONE:
        raise UserError(f"{key_name(text)} alone types or moves the cursor; add Ctrl or Alt.")
    return text


def is_editing_key(sequence: QKeySequence) -> bool:
    """Whether text fields need the key: cut, copy, paste, select all."""
    return any(sequence in QKeySequence.keyBindings(QKeySequence.StandardKey[name]) for name in _EDITING)


def is_text_key(event: QKeyEvent) -> bool:
    """Whether a text field handles the key before commands: it types, moves, or is undo, redo, cut, copy, paste."""
    names = (*_EDITING, "Undo", "Redo")
    return not event.modifiers() & _MODIFIERS or any(event.matches(QKeySequence.StandardKey[name]) for name in names)


def usable_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Those of the keys that can be shortcuts, as portable text."""
    found = []
    for key in keys:
        try:
            found.append(check_key(key))
        except UserError:
            continue
    return tuple(found)


def _contains(wider: str, scope: str) -> bool:
    return not wider or scope == wider or scope.startswith(f"{wider}.")


def _overlap(one: str, other: str) -> bool:
    return _contains(one, other) or _contains(other, one)
