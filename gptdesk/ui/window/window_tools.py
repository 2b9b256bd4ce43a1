"""Dialogs of every page: command palette, settings, guide, welcome, about; made when first opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.registry import Command, Commands

if TYPE_CHECKING:
    from gptdesk.ui.window.commands.palette import CommandPalette
    from gptdesk.ui.window.help.about import AboutDialog
    from gptdesk.ui.window.help.welcome import Welcome
    from gptdesk.ui.window.settings.dialog import SettingsDialog


class WindowTools(QObject):
    """Opens the dialogs.

    Attributes:
        palette: ``None`` until it is opened.
        welcome: ``None`` until it is opened.
    """

    def __init__(self, services: Services, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._services, self._commands, self._window = services, commands, window
        self.palette: CommandPalette | None = None
        self.welcome: Welcome | None = None

    def commands(self) -> list[Command]:
        """The commands that open the dialogs, and the one that closes the window."""
        return [
            Command(
                id="palette.open",
                title="Command palette…",
                description="Search all commands and run one",
                run=self.open_palette,
                group="view",
                shortcuts=("Ctrl+K", "Ctrl+Shift+P"),
                in_palette=False,
            ),
            Command(
                id="settings.open",
                title="Settings…",
                description="Change theme, fonts, device, downloads, notifications and shortcuts",
                run=self.open_settings,
                group="view",
                shortcuts=("Ctrl+,",),
            ),
            Command(
                id="help.guide",
                title="Guide",
                description="Read how to generate text, download models and train",
                run=self.open_guide,
                group="help",
                submenu="Help",
                shortcuts=("F1",),
            ),
            Command(
                id="help.shortcuts",
                title="Keyboard shortcuts…",
                description="List and change the shortcuts of all commands",
                run=self.open_shortcuts,
                group="help",
                submenu="Help",
            ),
            Command(
                id="help.about",
                title="About gptdesk",
                description="Show the version, how it was installed, and the licences",
                run=self.open_about,
                group="help",
                submenu="Help",
            ),
            Command(
                id="help.update",
                title="Look for a new version",
                description="Ask whether there is a newer gptdesk",
                run=self.look_for_update,
                group="help",
            ),
            Command(
                id="help.welcome",
                title="Welcome",
                description="Show what gptdesk can do: generate text, download models, train",
                run=self._show_welcome,
                group="help",
                submenu="Help",
            ),
            Command(
                id="window.quit",
                title="Quit",
                description="Close gptdesk; documents and settings are saved",
                run=self._window.close,
                group="quit",
                shortcuts=("Ctrl+Q",),
            ),
        ]

    def open_palette(self) -> None:
        """Shows the palette over the window."""
        if self.palette is None:
            from gptdesk.ui.window.commands.palette import CommandPalette

            self.palette = CommandPalette(self._commands, self._window)
        self.palette.open()

    def open_settings(self) -> SettingsDialog:
        """Opens the settings dialog."""
        from gptdesk.ui.window.settings.dialog import SettingsDialog

        dialog = SettingsDialog(self._services, self._commands, self._window)
        dialog.open()
        return dialog

    def open_shortcuts(self) -> None:
        """Opens the settings dialog at its page of shortcuts."""
        from gptdesk.ui.window.settings.dialog import KEYBOARD

        self.open_settings().show_page(KEYBOARD)

    def open_guide(self) -> None:
        """Opens the guide."""
        from gptdesk.ui.window.help.guide import GuideDialog

        GuideDialog(self._commands, self._window).open()

    def open_about(self) -> AboutDialog:
        """Opens the dialog with version and licences."""
        from gptdesk.ui.window.help.about import AboutDialog

        dialog = AboutDialog(self._services.program, self._window)
        dialog.open()
        return dialog

    def look_for_update(self) -> None:
        """Opens the dialog with the version, and asks for the newest one."""
        self.open_about().look.click()

    def _show_welcome(self) -> None:
        """Shows the cards to somebody who has asked for them."""
        self.open_welcome().take_focus()

    def open_welcome(self) -> Welcome:
        """Shows the cards of the first start over the window."""
        if self.welcome is None:
            from gptdesk.ui.window.help.welcome import Welcome

            self.welcome = Welcome(self._services.theme, self._services.settings, self._commands, self._window)
        self.welcome.open()
        return self.welcome
