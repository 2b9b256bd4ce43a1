"""Commands on the model in use: open one from a folder, unload it, cancel loading, stop following a run."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.model_chooser import unload_label
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService, SettingsService
from gptdesk.ui.window.commands.registry import Command


def model_commands(
    inference: InferenceService, settings: SettingsService, open_folder: Callable[[], object]
) -> list[Command]:
    """The commands; they work on every page.

    Args:
        open_folder: asks for the folder of a model and uses it.
    """

    return [
        Command(
            id="inference.open_folder",
            title="Use model from folder…",
            description="Use a model in a folder on this computer, without importing it",
            label=lambda: "Open folder…",
            run=open_folder,
        ),
        Command(
            id="inference.unload",
            title="Unload the model in use",
            description="Free the memory of the model in use",
            label=lambda: unload_label(inference.info),
            run=inference.unload,
            is_possible=lambda: None if inference.info is not None else "No model is loaded.",
        ),
        Command(
            id="inference.cancel_load",
            title="Cancel loading the model",
            description="Stop loading the model",
            label=lambda: "Cancel",
            run=inference.cancel_load,
            is_possible=lambda: None if inference.state is State.LOADING else "No model is being loaded.",
        ),
        Command(
            id="inference.stop_following",
            title="Stop following the run",
            description="Keep the present checkpoint instead of loading each new one of the run",
            run=lambda: settings.update(follow=None),
            is_possible=lambda: None if settings.value.follow else "No run is being followed.",
        ),
    ]
