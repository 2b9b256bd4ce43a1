"""Registry of commands; menus, buttons, command palette and shortcuts are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.ui.key_names import parse_key
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.shortcuts import Bindings, Shortcut, is_text_key

GROUPS: Final = ("new", "file", "page", "view", "help", "quit")
"""Sections of the main menu, from top to bottom."""


def always() -> str | None:
    """``is_possible`` of a command that can always run."""
    return None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command.

    Attributes:
        id: such as "document.new"; stored in the settings.
        title: in menus and the palette; ends in "…" if the command asks for more.
        description: one sentence for tooltips, palette and list of shortcuts.
        run: the action.
        group: section of the main menu, one of ``GROUPS``; "" keeps it out of the main menu.
        submenu: title of the submenu of that section in which it is listed; "" for the section itself.
        shortcuts: the default keys.
        scope: where the keys hold: "" in the whole window, "train" on that page, "train.data" on that page while it
            shows that part (`Commands.set_part`). The narrower scope wins where both have a key.
        is_possible: returns ``None``, or one sentence that says why the command cannot run now.
        label: returns the text that menus and buttons show now, where it differs from the title.
        checked: returns whether a switch is on; ``None`` for a command that is not a switch.
        in_palette: whether the command palette lists it; its own command and moves of the focus are not listed.
        fill: makes the command a submenu of the main menu; called to fill it each time it opens.
    """

    id: str
    title: str
    description: str
    run: Callable[[], object] = lambda: None
    group: str = ""
    submenu: str = ""
    shortcuts: tuple[Shortcut, ...] = ()
    scope: str = ""
    is_possible: Callable[[], str | None] = always
    label: Callable[[], str] | None = None
    checked: Callable[[], bool] | None = None
    fill: Callable[[QMenu], object] | None = msgspec.field(default=None)
    in_palette: bool = True


class Commands(QObject):
    """The registry. It owns a `QAction` for each command; its keys depend on the page and on the person's choice.

    Args:
        window: in which the shortcuts hold.
        settings: keep shortcuts that differ from the defaults, and the commands run last.

    Attributes:
        bindings: which keys belong to which command.

    Signals:
        shortcuts_changed(): emitted when keys of a command have changed.
        ran(str): emitted after the command of that id ran.
    """

    shortcuts_changed = Signal()
    ran = Signal(str)

    def __init__(self, window: QWidget, settings: SettingsService) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings
        self._commands: dict[str, Command] = {}
        self._actions: dict[str, QAction] = {}
        self._assigned: dict[str, tuple[str, ...]] = {}  # keys that an action has now, by id
        self._page = ""
        self._parts: dict[str, str] = {}
        self._titles: dict[str, str] = {"": "Everywhere"}
        self.bindings = Bindings(settings.value.shortcuts)
        window.installEventFilter(self)

    # Registering

    def add(self, *commands: Command) -> None:
        """Registers commands and makes their actions.

        Raises:
            ValueError: for an id, or a default key within one scope, that is taken; for a missing title or description.
        """
        for command in commands:
            if not (command.title and command.description):
                raise ValueError(f"the command {command.id} needs a title and a description")
            if command.id in self._commands:
                raise ValueError(f"there are two commands {command.id}")
            self.bindings.add(command.id, command.scope, command.shortcuts)
            self._commands[command.id] = command
            self._actions[command.id] = self._make_action(command)
        self._assign_keys()

    def _make_action(self, command: Command) -> QAction:
        action = QAction(_escaped(command.title), self)
        action.setObjectName(command.id)
        action.setToolTip(wrapped(command.description))
        action.setWhatsThis(command.description)
        action.setCheckable(command.checked is not None)
        action.triggered.connect(lambda: self.run(command.id))
        self._window.addAction(action)  # a closed menu receives no keys
        return action

    # Looking up

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def __len__(self) -> int:
        return len(self._commands)

    def __getitem__(self, id: str) -> Command:
        return self._commands[id]

    def __contains__(self, id: object) -> bool:
        return id in self._commands

    def action(self, id: str) -> QAction:
        """The action of a command, for menus and buttons."""
        return self._actions[id]

    def full_title(self, command: Command) -> str:
        """The title with its submenu, such as "Theme: Dark"."""
        title = command.title.removesuffix("…")
        return f"{command.submenu}: {title}" if command.submenu else title

    def scope_title(self, scope: str) -> str:
        """Title of a scope, such as "Everywhere" or "Train"."""
        return self._titles.get(scope) or self._titles.get(scope.partition(".")[0]) or scope

    def name_scope(self, scope: str, title: str) -> None:
        """Gives a scope, such as that of a page, a title."""
        self._titles[scope] = title

    def reason(self, id: str) -> str | None:
        """Why a command cannot run now; ``None`` if it can."""
        return self._commands[id].is_possible()

    # Running

    def run(self, id: str) -> bool:
        """Runs a command if it is possible now, and returns whether it was."""
        command = self._commands[id]
        if command.is_possible() is not None:
            self.refresh(id)
            return False
        if command.in_palette:
            recent = (id, *(other for other in self._settings.value.recent_commands if other != id))
            self._settings.update(recent_commands=recent)
        command.run()
        self.refresh(id)
        self.ran.emit(id)
        return True

    def run_by_standard_key(self, id: str, key: QKeySequence.StandardKey) -> bool:
        """Runs a command for a widget that handles a standard key itself, if the command still has that key."""
        own = {parse_key(text) for text in self.keys(id)}
        return bool(own & set(QKeySequence.keyBindings(key))) and self.run(id)

    @property
    def recent(self) -> tuple[str, ...]:
        """Ids of the commands that ran last, newest first."""
        return tuple(id for id in self._settings.value.recent_commands if id in self._commands)

    def refresh(self, *ids: str) -> None:
        """Updates the actions of these commands, or of all: possible or not, label, switch.

        Pages call it when something that buttons show has changed. Menus and keys update by themselves.
        """
        for id in ids or self._commands:
            command, action = self._commands[id], self._actions[id]
            reason = command.is_possible()
            action.setEnabled(reason is None)
            action.setStatusTip(reason or "")
            if command.label is not None:
                action.setText(_escaped(command.label()))
            if command.checked is not None:
                action.setChecked(command.checked())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Updates the actions before Qt looks up the shortcut of a key."""
        if event.type() == QEvent.Type.ShortcutOverride:
            self.refresh()
        return False

    def wants_key(self, event: QKeyEvent) -> bool:
        """Whether a text field should leave a key to a command.

        Text fields take keys such as Ctrl+K, which deletes to the end of the line on some systems.
        """
        if is_text_key(event):
            return False
        self.refresh()
        pressed = QKeySequence(event.keyCombination())
        return any(action.isEnabled() and pressed in action.shortcuts() for action in self._actions.values())

    # Keys

    def set_page(self, page: str) -> None:
        """Activates the keys of a page."""
        self._page = page
        self._assign_keys()

    def set_part(self, page: str, part: str) -> None:
        """Sets which part a page shows; it activates the keys of the scope "page.part"."""
        if self._parts.get(page, "") != part:
            self._parts[page] = part
            self._assign_keys()

    def keys(self, id: str) -> tuple[str, ...]:
        """The keys of a command in its scope, as portable text."""
        return self.bindings.keys(id)

    def bind(self, id: str, keys: tuple[str, ...]) -> None:
        """Gives a command other keys and stores them. The caller resolves conflicts.

        Raises:
            UserError: for keys that cannot be a shortcut.
        """
        self.bindings.set(id, keys)
        self._keep_keys()

    def reset_keys(self, *ids: str) -> None:
        """Restores the default keys of these commands, or of all, and takes them from other commands."""
        self.bindings.reset(*ids)
        for id in ids:
            for key in self.bindings.keys(id):
                self.take_key(id, key)
        self._keep_keys()

    def conflicts(self, id: str, key: str) -> tuple[Command, ...]:
        """The commands that have that key in a scope that overlaps with that of ``id``."""
        return tuple(self._commands[other] for other in self.bindings.conflicts(id, key))

    def take_key(self, id: str, key: str) -> None:
        """Takes a key from the commands that conflict with ``id``."""
        for other in self.bindings.conflicts(id, key):
            self.bindings.set(other, (each for each in self.bindings.keys(other) if each != key))

    def _keep_keys(self) -> None:
        self._settings.update(shortcuts=self.bindings.changes)
        self._assign_keys()

    def _assign_keys(self) -> None:
        part = self._parts.get(self._page, "")
        scope = f"{self._page}.{part}" if part else self._page
        for id, keys in self.bindings.effective(scope).items():
            if id in self._actions and keys != self._assigned.get(id, ()):
                self._assigned[id] = keys
                self._actions[id].setShortcuts([parse_key(key) for key in keys])
        self.shortcuts_changed.emit()


def _escaped(text: str) -> str:
    return text.replace("&", "&&")
