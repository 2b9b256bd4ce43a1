"""Size of int4 groups, on which kernel and quantiser must agree. Imports nothing."""

from __future__ import annotations

from typing import Final

GROUP: Final = 32
"""int4 weights that share a scale."""
