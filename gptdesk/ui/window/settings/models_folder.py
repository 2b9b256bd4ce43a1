"""Applies the setting of the models folder: changes the library first, and keeps the setting if that succeeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gptdesk.folders import MODELS_SETTING, Folders
from gptdesk.ui.services.services import Services


def change_models_folder(
    services: Services, folder: str, done: Callable[[], object], failed: Callable[[str], object]
) -> None:
    """Uses another models folder from now on; models stay where they are and are linked in the new one.

    Args:
        services: of the window.
        folder: its path; "" for the standard one.
        done: called when the folder is changed.
        failed: gets a sentence; nothing is changed then.
    """
    standard = Folders.standard().models

    def on_done(renamed: Mapping[str, str]) -> None:
        value = services.settings.value
        chosen = services.models.folders.models
        services.settings.update(
            **{MODELS_SETTING: "" if chosen == standard else str(chosen)},
            model=renamed.get(value.model, value.model),
            recent_models=tuple(renamed.get(model, model) for model in value.recent_models),
        )
        done()

    services.models.change_folder(Path(folder) if folder else standard, on_done, failed)
