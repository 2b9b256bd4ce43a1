"""Light and dark: which one holds now, and everything that has to be painted anew when it changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication

from gptdesk.ui.fonts import interface_font, use_reading_face
from gptdesk.ui.icons import icon
from gptdesk.ui.palette import DARK, LIGHT, Colours
from gptdesk.ui.stylesheet import mix, stylesheet


class Theme(QObject):
    """The look of the application.

    Attributes:
        mode: "system", "light" or "dark".

    Signals:
        changed(): other colours hold now.
    """

    changed = Signal()

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._applied: Colours | None = None
        self._face = "serif"
        if not app.styleSheet():  # else a theme of before has set it, and each widget would be styled anew
            app.setStyle("Fusion")
        app.setFont(interface_font())
        self.mode = mode
        self._hints = QGuiApplication.styleHints()
        self._hints.colorSchemeChanged.connect(self._apply)
        self.set_mode(mode)

    @property
    def dark(self) -> bool:
        if self.mode == "system":
            return self._hints.colorScheme() == Qt.ColorScheme.Dark
        return self.mode == "dark"

    @property
    def colours(self) -> Colours:
        return DARK if self.dark else LIGHT

    def set_mode(self, mode: str) -> None:
        """Follows the system, or stays light or dark whatever it does."""
        self.mode = mode
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        self._hints.setColorScheme(schemes.get(mode, Qt.ColorScheme.Unknown))  # title bars and system dialogs
        self._apply()

    def set_reading_face(self, face: str) -> None:
        """Chooses the typeface of the text that a person and a model write: "serif", "sans" or "mono"."""
        if face != self._face:
            self._face = face
            use_reading_face(face)
            self.changed.emit()

    def set_icon(self, button: QAbstractButton, name: str, role: str = "text") -> None:
        """Gives a button an icon in the colour of that role, now and in every theme to come."""
        button.setProperty("icon_name", name)
        button.setProperty("icon_role", role)
        self._paint_icon(button)

    def icon(self, name: str, role: str) -> QIcon:
        """The icon in the colour that the role has now."""
        disabled = mix(self.colours.muted, self.colours.surface, 0.5)
        return icon(name, getattr(self.colours, role), disabled)

    def _paint_icon(self, button: QAbstractButton) -> None:
        button.setIcon(self.icon(button.property("icon_name"), button.property("icon_role")))

    def _apply(self) -> None:
        if self.colours == self._applied:
            return
        self._applied = self.colours
        self._app.setPalette(palette(self.colours))
        sheet = stylesheet(self.colours)
        if sheet != self._app.styleSheet():
            self._app.setStyleSheet(sheet)
        for widget in self._app.allWidgets():
            if isinstance(widget, QAbstractButton) and widget.property("icon_name"):
                self._paint_icon(widget)
        self.changed.emit()


def palette(colours: Colours) -> QPalette:
    """Qt's palette in these colours, for what the style sheet does not reach."""
    made = QPalette()
    disabled = QColor(mix(colours.muted, colours.surface, 0.55))
    for role, colour in (
        (QPalette.ColorRole.Window, colours.background),
        (QPalette.ColorRole.WindowText, colours.text),
        (QPalette.ColorRole.Base, colours.surface),
        (QPalette.ColorRole.AlternateBase, colours.background),
        (QPalette.ColorRole.Text, colours.text),
        (QPalette.ColorRole.PlaceholderText, colours.muted),
        (QPalette.ColorRole.Button, colours.raised),
        (QPalette.ColorRole.ButtonText, colours.text),
        (QPalette.ColorRole.BrightText, colours.bad),
        (QPalette.ColorRole.Highlight, colours.accent),
        (QPalette.ColorRole.HighlightedText, colours.on_accent),
        (QPalette.ColorRole.Accent, colours.accent),
        (QPalette.ColorRole.Link, colours.accent),
        (QPalette.ColorRole.ToolTipBase, colours.surface),
        (QPalette.ColorRole.ToolTipText, colours.text),
        (QPalette.ColorRole.Mid, colours.hairline),
    ):
        made.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return made
