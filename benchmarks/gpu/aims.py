"""What a GPU has to reach; known without torch, so that it can be told where nothing was measured."""

from __future__ import annotations

from typing import Final

TOKENS_PER_S: Final = {"H200": 5000.0, "H100": 3500.0}
"""Decoding at batch 1 in bfloat16, by a part of the card's name."""

TIMES: Final = 20.0
"""Decoding at batch 1, times as fast as `transformers` in the same run."""

MFU: Final = 0.5
LEAST_MFU: Final = 0.35
"""The least that will do, training 124M."""

SPEED: Final = {
    "what": "CUDA, bfloat16, batch 1",
    "aim": "at least " + ", ".join(f"{speed:,.0f} tokens/s ({card})" for card, speed in TOKENS_PER_S.items()),
}
RATIO: Final = {"what": "CUDA, bfloat16, batch 1, against transformers in the same run", "aim": f"at least {TIMES:g}x"}
TRAINING: Final = {"what": "training 124M, MFU", "aim": f"{MFU:.0%}; at least {LEAST_MFU:.0%}"}
"""Rows of the table of what must be reached, without figures."""
