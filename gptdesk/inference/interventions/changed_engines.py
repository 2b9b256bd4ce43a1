"""Engines that write with a changed model. Imports torch when the first one is made."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.inference.engine import Engine
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.loading import memory_errors_explained


class ChangedEngines:
    """Makes them of one engine, with whose weights they compute, in torch. The last one is kept, with what it has read.

    Args:
        engine: of the whole model.
    """

    def __init__(self, engine: Engine) -> None:
        self._whole = engine
        self._last: tuple[Intervention, Engine] | None = None

    def get(
        self,
        intervention: Intervention,
        *,
        interrupted: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> Engine:
        """The engine with an intervention; that of the whole model for an empty one.

        Args:
            intervention: what is changed.
            interrupted: asked before each block of the texts that means and directions are taken of.
            progress: told then, with the blocks that have read a text and those in all.

        Raises:
            UserError: when the model has not those parts, or a text has no tokens or too many.
            Interrupted: when ``interrupted`` returned True.
        """
        if intervention == WHOLE:
            return self._whole
        if self._last is None or self._last[0] != intervention:
            from gptdesk.inference.interventions.network import IntervenedNetwork

            self._last = None  # its memory is free for the next one
            whole = self._whole
            with memory_errors_explained():
                network = IntervenedNetwork(
                    whole.model, intervention, whole.prompt_ids, interrupted=interrupted, progress=progress
                )
            self._last = intervention, Engine(network, whole.tokenizer, name=whole.name)
        return self._last[1]
