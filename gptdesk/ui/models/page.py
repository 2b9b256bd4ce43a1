"""The Models page: models on this computer and models to download."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gptdesk.ui.models.commands import model_commands
from gptdesk.ui.models.library_messages import LibraryMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.pages import BasePage, PageView, Window

if TYPE_CHECKING:
    from gptdesk.ui.models.view import ModelsView


class ModelsPage(BasePage):
    """The page; messages about the library are shown before its view is made."""

    id: ClassVar[str] = "models"
    title: ClassVar[str] = "Models"
    icon: ClassVar[str] = "models"
    is_slow: ClassVar[bool] = True

    def __init__(self, services: Services, window: Window) -> None:
        super().__init__(services, window)
        self.view: ModelsView | None = None
        self.messages = LibraryMessages(services.messages, services.models, self.id, self.show, self)
        window.links.models_wanted.connect(self.show)

    def make_view(self) -> PageView:
        from gptdesk.ui.models.view import ModelsView

        services, window = self.services, self.window
        view = self.view = ModelsView(
            services.theme,
            services.settings,
            services.models,
            services.activation,
            services.inference.engines,
            window.commands,
            window.menu,
        )
        view.play_wanted.connect(lambda: window.links.model_wanted.emit(services.settings.value.model))
        view.actions_.comparison_wanted.connect(lambda model: window.links.comparison_wanted.emit([model], ""))
        return PageView(
            content=view,
            top_bar=view.top_bar,
            status_bar=view.status_bar,
            regions=(view.list, view.panel),
            focus=view.focus,
            message_area=view.list,
            fold=view.parts.fold,
            columns=view.parts,
        )

    def commands(self) -> Sequence[Command]:
        return model_commands(lambda: self.view, self._shown_view)

    def accepts(self, path: Path) -> bool:
        from gptdesk.library.importing.formats import file_patterns  # not needed to show the window

        if path.is_dir():
            return True
        return any(fnmatch(path.name.lower(), pattern) for pattern in file_patterns())

    def open_files(self, paths: Sequence[Path]) -> None:
        view = self._shown_view()
        assert view is not None
        view.imports.offer_all(list(paths))

    def _shown_view(self) -> ModelsView | None:
        self.ensure_shown()
        return self.view
