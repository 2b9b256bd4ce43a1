"""Checks whether a model fits into free memory, and says what to do if not."""

from __future__ import annotations

import msgspec

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.memory import memory_needed, smaller_precision
from gptdesk.ui import number_format


class Room(msgspec.Struct, frozen=True):
    """Memory available to a model.

    Attributes:
        free: bytes; ``None`` when unknown: then every model is taken to fit.
        limited: whether that is what the settings leave to it, and not what the computer has.
    """

    free: int | None
    limited: bool = False

    def fits(self, config: GPT2Config | None, precision: str = "auto") -> bool:
        """Whether a model can be loaded and its context filled."""
        return config is None or self.free is None or memory_needed(config, precision) <= self.free

    def warning(self, config: GPT2Config | None, precision: str = "auto") -> str:
        """How much memory is missing and what to do; empty when it fits."""
        if config is None or self.free is None or self.fits(config, precision):
            return ""
        needed = number_format.memory(memory_needed(config, precision))
        left = number_format.memory(self.free)
        limit = f"the settings leave {left} to it" if self.limited else f"{left} are free"
        sentence = f"It needs {needed} of memory and {limit}"
        name = self.proposal(config, precision)
        if name is None:
            advice = "allow models more memory" if self.limited else "close other programs"
            return f"{sentence}: choose a smaller model, or {advice}."
        less = number_format.memory(memory_needed(config, name))
        return f"{sentence}: in {name} it needs {less}, which fits."

    def proposal(self, config: GPT2Config | None, precision: str) -> str | None:
        """A smaller precision in which a model fits that does not fit in ``precision``."""
        if config is None or self.free is None:
            return None
        return smaller_precision(config, precision, self.free)
