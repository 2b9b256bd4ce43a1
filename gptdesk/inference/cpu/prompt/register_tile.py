"""The block of results that a product keeps in registers, and how pairs of int16 are multiplied, by instruction set."""

from __future__ import annotations

import platform
from typing import Any, Final, NamedTuple

import llvmlite.binding
import numba


class RegisterTile(NamedTuple):
    """How products are computed.

    Attributes:
        tokens: whose results a block holds; a power of two.
        vectors: of rows whose results it holds.
        lanes: 32-bit elements of a vector.
        pairs: what multiplies two int16 by two and adds the products to an int32: "vnni" (``vpdpwssd``), "madd"
            (``vpmaddwd`` and an addition), or "generic": what the compiler chooses.
    """

    tokens: int
    vectors: int
    lanes: int
    pairs: str

    @property
    def rows(self) -> int:
        """Rows of weights in a block."""
        return self.vectors * self.lanes


def _choose_tile() -> RegisterTile:
    """The tile for the processor that Numba compiles for: results fill its registers but those for operands."""
    has = _features()
    if {"avx512bw", "avx512f"} <= has:
        return RegisterTile(8, 3, 16, "vnni" if "avx512vnni" in has else "madd")
    if "avx2" in has:
        return RegisterTile(4, 3, 8, "vnni" if "avxvnni" in has else "madd")
    if platform.machine().lower() in ("arm64", "aarch64"):  # 32 registers
        return RegisterTile(8, 3, 4, "generic")
    return RegisterTile(4, 3, 4, "generic")


def _features() -> set[str]:
    """LLVM's names of what that processor has; of one that is named to Numba, what is listed with its name."""
    settings: Any = numba.config
    if settings.CPU_NAME is None and settings.CPU_FEATURES is None:
        return {name for name, there in llvmlite.binding.get_host_cpu_features().items() if there}
    return {name[1:] for name in (settings.CPU_FEATURES or "").split(",") if name.startswith("+")}


TILE: Final = _choose_tile()
