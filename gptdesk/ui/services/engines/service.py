"""Interfaces of the engines that are loaded, for pages."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import msgspec
from PySide6.QtCore import SignalInstance


class EngineView(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that is loaded.

    Attributes:
        model: name or folder of the model, as it was first asked for.
        folder: of the model.
        device: "cpu", "cuda:0", ...
        precision: of the weights.
        memory: bytes that it takes with a full context.
        pinned: whether it stays though nobody uses it and memory is short.
        generating: whether a generation runs.
    """

    model: str
    folder: Path
    device: str
    precision: str
    memory: int
    pinned: bool
    generating: bool


class EngineService(Protocol):
    """The engines that are loaded; implemented by `EnginePool`."""

    @property
    def engines(self) -> tuple[EngineView, ...]: ...
    @property
    def generating(self) -> bool: ...
    @property
    def setting(self) -> int: ...
    @property
    def pins(self) -> Collection[str]: ...
    @property
    def evictable(self) -> int: ...
    def budget(self, free: int | None) -> int | None: ...
    @property
    def changed(self) -> SignalInstance: ...
    def set_budget(self, setting: int) -> None: ...
    def set_pins(self, models: Collection[str]) -> None: ...
    def unload(self, model: str) -> None: ...
