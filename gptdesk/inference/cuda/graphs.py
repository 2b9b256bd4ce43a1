"""Captures what a function launches on CUDA as a graph, which is launched with one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Captured(NamedTuple):
    """A graph, and the tensor that it writes: at the same address in every replay."""

    graph: torch.cuda.CUDAGraph
    output: Tensor


class GraphCapture:
    """Captures graphs that share memory, so that only one of them may run at a time.

    Args:
        device: of everything that they compute with.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream, self._pool = torch.cuda.Stream(device), torch.cuda.graph_pool_handle()

    def capture(self, compute: Callable[[], Tensor]) -> tuple[Captured, Tensor]:
        """Runs ``compute``, whose inputs must keep their addresses, and captures it.

        Both on one stream, because some of torch's kernels in float16 round otherwise on another.

        Returns:
            The graph, and what ``compute`` returned when it was run.
        """
        graph = torch.cuda.CUDAGraph()
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        # The outer block restores the stream even if the inner one fails at its end.
        with torch.cuda.stream(self._stream):
            first = compute()  # so that kernels are loaded, and cuBLAS has its workspace for this stream
            # thread_local: use of devices by other threads meanwhile is no error.
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                output = compute()
        torch.cuda.current_stream(self._device).wait_stream(self._stream)
        return Captured(graph, output), first
