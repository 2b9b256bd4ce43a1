"""Flags that name a model and what it computes on, and the engine that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from gptdesk.commands.interrupts import ended_by_interrupt
from gptdesk.devices import DEVICES, PRECISIONS
from gptdesk.folders import Folders
from gptdesk.library.catalogue import BUNDLED, find_model

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine


def add_model_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag that names a model."""
    parser.add_argument(
        "--model",
        metavar="NAME_OR_FOLDER",
        default=BUNDLED,
        help=f"name or folder of a model (default: {BUNDLED}, the bundled one)",
    )


def add_device_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of device and precision."""
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)}; cuda:1 is the second card")
    parser.add_argument("--precision", default="auto", help=f"of the weights: {', '.join(PRECISIONS)}")


def load_engine(options: argparse.Namespace, interrupted: Callable[[], bool], *, threads: int | None = None) -> Engine:
    """Loads the model that the flags name.

    Args:
        options: with the flags that this module adds.
        interrupted: asked while the model is read.
        threads: as for `Engine.load`.

    Raises:
        UserError: as for `Engine.load`.
        KeyboardInterrupt: Ctrl+C was pressed.
    """
    folders = Folders.of_this_user()
    entry = find_model(options.model, folders)
    with ended_by_interrupt():
        from gptdesk.inference.engine import Engine  # late: wrong arguments are reported at once
        from gptdesk.inference.loading import needs_torch

        if needs_torch(options.device, options.precision):
            import gptdesk.inference.torch_loading  # noqa: F401

    def stop_loading(read: int, total: int) -> None:
        if interrupted():
            raise KeyboardInterrupt

    return Engine.load(
        entry.path,
        device=options.device,
        precision=options.precision,
        threads=threads,
        keep=folders.quantized,
        progress=stop_loading,
    )
