"""Chooses a token with a handful of Triton kernels, instead of some fifty of torch's, and hands it to the next step."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor

from gptdesk.inference.cuda.blocks import padded
from gptdesk.inference.cuda.sampling import packed_choice
from gptdesk.inference.sampling.settings import DecodingSettings

log = logging.getLogger(__name__)

_MOST: Final = 256
"""Most likely tokens that are looked for; more would seldom fit into what is sorted."""

_FEW: Final = 64
"""Most likely tokens whose candidates, seldom twice as many, fit into the smaller number of them."""

_TRIED: Final = (
    DecodingSettings(temperature=0),
    DecodingSettings(temperature=0.8, top_k=40, top_logprobs=10),
    DecodingSettings(top_k=200),
)
"""Settings that between them need all kernels."""


def fused_choice(vocab_size: int, inputs: Tensor, launch: dict[str, bool]) -> FusedChoice | None:
    """The choice for a decoder on CUDA, its kernels made and tried out; args as for `FusedChoice`.

    Returns:
        None where Triton is missing or fails, or the kernels choose otherwise than torch does.
    """
    try:
        from gptdesk.inference.cuda import choice_kernels

        choice = FusedChoice(choice_kernels, vocab_size, inputs, launch)
        right = all(_is_right(choice, settings, ahead=ahead) for settings in _TRIED for ahead in (True, False))
    except Exception as error:  # from Triton, the C compiler that it needs, or the driver
        log.warning("The kernels that choose a token cannot be made, so torch's are used, which are slower: %s", error)
        return None
    if not right:
        log.warning("The kernels that choose a token choose a wrong one here, so torch's are used.")
    return choice if right else None


class FusedChoice:
    """Chooses as `sampling.packed_choice` does, ties apart. For one thread.

    Args:
        kernels: `gptdesk.inference.cuda.choice_kernels`.
        vocab_size: most logits.
        inputs: of the next step, (5, texts) int64: see `FusedStep.logits`.
        launch: how kernels are launched, as `FusedStep` has it.

    Attributes:
        vocab_size: as given.
        device: of the logits.
    """

    def __init__(self, kernels: ModuleType, vocab_size: int, inputs: Tensor, launch: dict[str, bool]) -> None:
        device, self.vocab_size = inputs.device, vocab_size
        self.device = device
        self._kernels, self._launch = kernels, launch
        self._parts = -(-vocab_size // kernels.PART)
        self._token, self._position, _, _, self._following = inputs[:, 0]

        def buffer(size: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.empty(size, dtype=dtype, device=device)

        sums = [buffer(self._parts, torch.float64) for _ in range(2)]
        self._summary = (buffer(self._parts), buffer(self._parts, torch.int32), *sums)
        self._block_maxima = buffer(self._parts * (kernels.PART // kernels.BLOCK))
        self._bound, self._count = buffer(1), buffer(1, torch.int32)
        self._candidates = buffer(max(kernels.CANDIDATES)), buffer(max(kernels.CANDIDATES), torch.int32)
        # Kernels write into the host's memory, which takes less time than a copy does.
        self._packed = torch.empty(4 + 2 * _MOST, dtype=torch.float64, pin_memory=device.type == "cuda")

    def serves(self, logits: Tensor, settings: DecodingSettings) -> bool:
        """Whether `packed` can choose from so many logits with these settings, which `sampling.is_simple` allows."""
        size, most = len(logits), max(_top_k(settings), settings.top_logprobs)
        if size > self.vocab_size or (not settings.greedy and not settings.top_k):
            return False
        found = most <= size // self._kernels.BLOCK or size <= max(self._kernels.CANDIDATES)
        return found and most <= min(_MOST, size)

    def packed(self, logits: Tensor, settings: DecodingSettings, drawn: float, *, ahead: bool) -> Tensor:
        """Launches the choice.

        Args:
            logits, settings, drawn: as for `sampling.packed_choice`; they are served.
            ahead: whether the token is also put where the next step of the one text reads it.

        Returns:
            What `sampling.packed_choice` does, on the host, once the device has got there, and until the next choice.
            The id is -1 if too many logits are nearly alike.
        """
        kernels, size, packed = self._kernels, len(logits), self._packed
        part, parts = kernels.PART, -(-size // kernels.PART)
        place = self._token, self._position, self._following
        how: dict[str, Any] = {"PARTS": padded(self._parts), "AHEAD": ahead, **self._launch}
        with torch.cuda.device_of(logits):
            kernels.summarise_parts[(parts,)](
                logits, *self._summary, self._block_maxima, size,
                PART=part, BLOCK=kernels.BLOCK, OVERLAP=False,
            )  # fmt: skip
            if settings.greedy and not settings.top_logprobs:
                kernels.choose_most_likely[(1,)](*self._summary, packed, *place, parts, **how)
                return packed[:4]
            top = settings.top_logprobs
            most = max(_top_k(settings), top)
            few, many = kernels.CANDIDATES
            candidates = few if most <= min(_FEW, size // kernels.BLOCK) else many
            kernels.find_bound[(1,)](
                self._block_maxima, self._bound, self._count, -(-size // kernels.BLOCK), most,
                WIDTH=padded(len(self._block_maxima)), **self._launch,
            )  # fmt: skip
            kernels.gather[(parts,)](
                logits, self._bound, self._count, *self._candidates, size,
                PART=part, CANDIDATES=candidates, **self._launch,
            )  # fmt: skip
            temperature, top_p, min_p = _applied(settings)
            kernels.draw[(1,)](
                *self._candidates, self._count, *self._summary, packed, *place, parts,
                int(drawn * 2**53), temperature, 1 - top_p, min_p, _top_k(settings), top,
                CANDIDATES=candidates, **how,
            )  # fmt: skip
        return packed[: 4 + 2 * top]


def _is_right(choice: FusedChoice, settings: DecodingSettings, *, ahead: bool) -> bool:
    """Whether a choice from some logits is torch's."""
    logits = torch.randn(choice.vocab_size, generator=torch.Generator().manual_seed(1)).to(choice.device)
    if not choice.serves(logits, settings):
        return True
    found = choice.packed(logits, settings, 0.5, ahead=ahead)
    expected = packed_choice(logits, settings, 0.5).cpu()  # which waits for both
    return torch.allclose(found, expected, rtol=1e-4, atol=1e-4)


def _top_k(settings: DecodingSettings) -> int:
    """A greedy choice is one of a single token."""
    return 1 if settings.greedy else settings.top_k


def _applied(settings: DecodingSettings) -> tuple[float, float, float]:
    """Temperature, top-p and min-p."""
    return (1.0, 1.0, 0.0) if settings.greedy else (settings.temperature, settings.top_p, settings.min_p)
