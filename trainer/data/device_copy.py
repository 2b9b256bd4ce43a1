"""Copies batches to the device; on CUDA from pinned memory and on a stream of its own."""

from __future__ import annotations

import torch
from torch import Tensor


class DeviceCopier:
    """Copies batches to a device. On CUDA a copy runs beside whatever the device computes, and nobody waits for it.

    Args:
        device: to copy to.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def copy(self, *batch: Tensor) -> tuple[Tensor, ...]:
        """The tensors on the device. Call `await_copies` before the device computes with them."""
        if self._stream is None:
            return tuple(tensor.to(self._device) for tensor in batch)
        with torch.cuda.stream(self._stream):
            copies = tuple(tensor.pin_memory().to(self._device, non_blocking=True) for tensor in batch)
        for copied in copies:  # its memory must not be given away while the device may still compute with it
            copied.record_stream(torch.cuda.current_stream(self._device))
        return copies

    def await_copies(self) -> None:
        """Has the device, not this thread, wait until all copies are done."""
        if self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)
