"""The logit lens: what the model would say after each layer.

nostalgebraist 2020, "interpreting GPT: the logit lens",
https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.inspection.forward_pass import ForwardPass, never
from gptdesk.inference.inspection.largest import largest
from gptdesk.inference.inspection.weights import unembed

TOP: Final = 5
"""Tokens that are named in each place."""

_ROWS_AT_ONCE: Final = 128
"""Distributions that are computed together: 26 MB of logits of GPT-2. Quantised heads are dequantised once for all."""

_ROWS_IN_CACHE: Final = 8
"""Of them, those that are described together: 1.6 MB of GPT-2, which a processor's cache holds from one figure to the
next. All at once would be read from memory again for each, which takes twice as long."""


@dataclass(frozen=True, eq=False)
class Lens:
    """What the model says after each layer, of P tokens. On the CPU.

    Row 0 is the embedding, row l + 1 what comes out of block l; the last row is the model's own distribution.

    Attributes:
        first: index of the first of these tokens in the text.
        top_ids: (L + 1, P, k) int64, the most likely next tokens, the most likely first.
        top_probabilities: (L + 1, P, k) float32.
        next_logprobs: (L + 1, P) float32, natural logarithm of the probability of the token that follows in the text;
            NaN behind the last one.
        next_ranks: (L + 1, P) int64, its rank, 1 for the most likely token; 0 behind the last one.
        kl: (L + 1, P) float32 in nats, KL divergence from the model's own distribution p to this one q: sum of
            p (ln p - ln q). 0 in the last row.
        entropy: (L + 1, P) float32 in nats.
    """

    first: int
    top_ids: Tensor
    top_probabilities: Tensor
    next_logprobs: Tensor
    next_ranks: Tensor
    kl: Tensor
    entropy: Tensor


_TENSORS: Final = ("top_ids", "top_probabilities", "next_logprobs", "next_ranks", "kl", "entropy")


def lens(
    run: ForwardPass,
    first: int = 0,
    last: int | None = None,
    *,
    top: int = TOP,
    interrupted: Callable[[], bool] = never,
) -> Lens:
    """Final norm and head, applied once, on the residual stream after each layer, at the tokens ``first`` to ``last``.

    Args:
        run: of the text.
        first, last: the first token, and the one behind the last; not given: all.
        top: k, the tokens that are named.
        interrupted: asked before each layer, or some of them together.

    Raises:
        Interrupted: when ``interrupted`` returned True.
    """
    return _joined(list(lens_in_pieces(run, first, last, top=top, interrupted=interrupted)))


@torch.inference_mode()
def lens_in_pieces(
    run: ForwardPass,
    first: int = 0,
    last: int | None = None,
    *,
    top: int = TOP,
    interrupted: Callable[[], bool] = never,
) -> Iterator[Lens]:
    """As `lens`, some tokens at a time, in order."""
    end = len(run.ids) if last is None else last
    for start in range(first, end, _ROWS_AT_ONCE):
        yield _piece(run, start, min(start + _ROWS_AT_ONCE, end), min(top, run.vocab_size), interrupted)


def _piece(run: ForwardPass, first: int, last: int, top: int, interrupted: Callable[[], bool]) -> Lens:
    piece = _Piece(run, first, last, top)
    piece.read_final()
    together = max(1, _ROWS_AT_ONCE // (last - first))
    for start in range(0, run.n_layer, together):
        if interrupted():
            raise Interrupted
        piece.read(slice(start, min(start + together, run.n_layer)))
    found = piece.found
    return Lens(found.first, *(getattr(found, name).cpu() for name in _TENSORS))


class _Piece:
    """The lens of some tokens; the final distributions come first, because the others are compared with them.

    Attributes:
        found: on the model's device.
    """

    def __init__(self, run: ForwardPass, first: int, last: int, top: int) -> None:
        self._run, self._tokens, self._top = run, slice(first, last), top
        self._following = run.ids[first + 1 : last + 1]  # one shorter at the end of the text
        count, device = last - first, run.ids.device
        self._final = torch.empty(count, run.vocab_size, device=device)  # probabilities
        self._final_entropy = torch.empty(count, device=device)
        shape = (run.n_layer + 1, count)
        self.found = Lens(
            first,
            torch.empty(*shape, top, dtype=torch.int64, device=device),
            torch.empty(*shape, top, device=device),
            torch.full(shape, torch.nan, device=device),
            torch.zeros(shape, dtype=torch.int64, device=device),
            torch.zeros(shape, device=device),
            torch.empty(shape, device=device),
        )

    def read_final(self) -> None:
        """Fills in the last row, and keeps its distributions."""
        last = self._run.n_layer
        for _, places, logprobs in self._distributions(slice(last, last + 1)):
            self._describe(last, places, logprobs)
            self._final[places] = logprobs.exp()
            self._final_entropy[places] = self.found.entropy[last, places]

    def read(self, layers: slice) -> None:
        """Fills in rows before the last."""
        for layer, places, logprobs in self._distributions(layers):
            self._describe(layer, places, logprobs)
            cross_entropy = -torch.linalg.vecdot(self._final[places], logprobs)
            self.found.kl[layer, places] = (cross_entropy - self._final_entropy[places]).clamp_min(0)

    def _distributions(self, layers: slice) -> Iterator[tuple[int, slice, Tensor]]:
        """Row, some of its tokens, and their log-probabilities (tokens, V)."""
        run = self._run
        logits = unembed(run.model, run.residual[layers, self._tokens], run.vocab_size)
        for layer, row in enumerate(logits, layers.start):
            for start in range(0, len(row), _ROWS_IN_CACHE):
                places = slice(start, min(start + _ROWS_IN_CACHE, len(row)))
                yield layer, places, row[places].log_softmax(-1)

    def _describe(self, layer: int, places: slice, logprobs: Tensor) -> None:
        """Fills in what there is to say of log-probabilities (tokens, V) alone."""
        found, following = self.found, self._following[places]
        values, found.top_ids[layer, places] = largest(logprobs, self._top)
        found.top_probabilities[layer, places] = values.exp()
        found.entropy[layer, places] = -torch.linalg.vecdot(logprobs.exp(), logprobs)
        if known := len(following):
            rows = slice(places.start, places.start + known)
            its = logprobs[:known].gather(-1, following[:, None])
            found.next_logprobs[layer, rows] = its[:, 0]
            found.next_ranks[layer, rows] = 1 + (logprobs[:known] > its).sum(-1, dtype=torch.int32)


def _joined(pieces: list[Lens]) -> Lens:
    first = pieces[0]
    return Lens(
        first.first,
        *(torch.cat([getattr(piece, name) for piece in pieces], dim=1) for name in _TENSORS),
    )
