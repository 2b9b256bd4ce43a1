"""Commands of the decoding panel: presets, neutral settings, settings for new documents."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.decoding.panel import FOR_NEW_HELP
from gptdesk.ui.decoding.preset_bar import NEUTRAL_HELP, own_preset
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

_NOT_OWN = "The current preset is not one of your own."


def decoding_commands(settings: SettingsService, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands.

    Args:
        show: shows the Playground and returns its view.
    """
    act = on_view(show)

    def why_not_own() -> str | None:
        return None if own_preset(settings.value) else _NOT_OWN

    return [
        Command(
            id="decoding.neutral",
            title="Reset decoding settings to neutral",
            description=NEUTRAL_HELP,
            run=act(lambda view: view.panel.presets.reset()),
        ),
        Command(
            id="decoding.for_new",
            title="Use decoding settings for new documents",
            description=FOR_NEW_HELP,
            run=act(lambda view: view.panel.use_for_new()),
            is_possible=lambda: (
                None
                if settings.value.decoding != settings.value.new_document_decoding
                else "New documents already start with these settings."
            ),
        ),
        Command(
            id="preset.save",
            title="Save preset…",
            description="Save the decoding settings as a preset",
            run=act(lambda view: view.panel.presets.ask_to_save()),
        ),
        Command(
            id="preset.rename",
            title="Rename preset…",
            description="Change the name of the current preset",
            run=act(lambda view: view.panel.presets.ask_name()),
            is_possible=why_not_own,
        ),
        Command(
            id="preset.delete",
            title="Delete preset",
            description="Delete the current preset; the decoding settings stay",
            run=act(lambda view: view.panel.presets.delete()),
            is_possible=why_not_own,
        ),
    ]
