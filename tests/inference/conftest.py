"""What tests of the language model share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture


class Fetches(TorchDispatchMode):
    """Counts how often a number is taken out of a tensor, for which a device would be waited for."""

    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.fixture
def fetches() -> Iterator[Fetches]:
    """Those of the test."""
    with Fetches() as fetches:
        yield fetches


@pytest.fixture(scope="module")
def peer(tiny_model_folder: Path) -> Any:
    """The small model as transformers computes it."""
    from transformers import GPT2LMHeadModel

    return GPT2LMHeadModel.from_pretrained(tiny_model_folder).eval()
