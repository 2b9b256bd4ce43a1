"""Whether a model fits into this computer's memory, in words."""

from __future__ import annotations

from dataclasses import dataclass

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.memory import memory_needed
from gptdesk.ui import figures

HALF = "bfloat16"
"""The 16-bit precision that is proposed."""


@dataclass(frozen=True)
class Room:
    """Memory that models can have.

    Attributes:
        free: bytes; ``None`` where nobody knows, so that everything is taken to fit.
    """

    free: int | None

    def fits(self, config: GPT2Config | None, precision: str = "auto") -> bool:
        """Whether a model can be loaded and its context filled."""
        return config is None or self.free is None or memory_needed(config, precision) <= self.free

    def warning(self, config: GPT2Config | None, precision: str = "auto") -> str:
        """What is short, and what to do; empty when it fits."""
        if config is None or self.free is None or self.fits(config, precision):
            return ""
        needed = figures.memory(memory_needed(config, precision))
        sentence = f"It needs {needed} of memory and {figures.memory(self.free)} are free"
        if not self.fits(config, HALF):
            return f"{sentence}: choose a smaller model, or close other programs."
        half = figures.memory(memory_needed(config, HALF))
        return f"{sentence}: in 16 bits it needs {half}, which is there."
