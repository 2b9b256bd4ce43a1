"""Makes the views of the Inspect pane."""

from __future__ import annotations

from gptdesk.ui.playground.inspect.attention_view import AttentionView
from gptdesk.ui.playground.inspect.compare_view import CompareView
from gptdesk.ui.playground.inspect.embeddings_view import EmbeddingsView
from gptdesk.ui.playground.inspect.heads_view import HeadsView
from gptdesk.ui.playground.inspect.lens_view import LensView
from gptdesk.ui.playground.inspect.neurons_view import NeuronsView
from gptdesk.ui.playground.inspect.over_steps.head_steps_view import HeadStepsView
from gptdesk.ui.playground.inspect.over_steps.learned_view import LearnedView
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.playground.inspect.parts_view import PartsView
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.inspect.views import (
    ATTENTION,
    COMPARE,
    EMBEDDINGS,
    HEADS,
    HEADS_BY_STEP,
    LEARNED,
    LENS,
    NEURONS,
    PARTS,
)
from gptdesk.ui.playground.intervention.model_change import ModelChange
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme


def make_views(
    theme: Theme,
    attention: AttentionView,
    change: ModelChange,
    inference: InferenceService,
    runs: RunService,
    checkpoints: RunCheckpoints,
) -> dict[str, InspectView]:
    """The views by id.

    Args:
        theme: of the window.
        attention: one of them, which has arcs over the text.
        change: what is changed in the model that writes.
        inference: has the model in use.
        runs: reads checkpoints.
        checkpoints: of the run that the model belongs to.
    """
    return {
        LENS: LensView(theme),
        ATTENTION: attention,
        PARTS: PartsView(theme),
        HEADS: HeadsView(theme, change),
        COMPARE: CompareView(theme),
        NEURONS: NeuronsView(theme),
        EMBEDDINGS: EmbeddingsView(theme),
        LEARNED: LearnedView(theme, inference, runs, checkpoints),
        HEADS_BY_STEP: HeadStepsView(theme, inference, runs, checkpoints),
    }
