"""The network in torch with an intervention, by hooks that are there only while it reads.

Shapes: T tokens of a text, nh heads, hs head size, C ``n_embd``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass, never
from gptdesk.inference.inspection.weights import block_of
from gptdesk.inference.interventions.intervention import Component, Intervention, Steering

Hooked = Callable[[], RemovableHandle]
"""Registers a hook."""

Progress = Callable[[int, int], object]
"""Gets the blocks that have read a text, and those in all."""


def ignored(done: int, total: int) -> None:
    """Tells nobody."""


class IntervenedNetwork(TorchNetwork):
    """Reads tokens with parts of a model switched off, or steered.

    What stands for a part: of a head, its values before the output matrix (nothing of the attention's bias goes); of
    an MLP, all that it adds; of a layer, all that its attention and its MLP add. Means and directions are those of the
    whole model.

    Args:
        model: stays as it is, and may be used by others between two calls.
        intervention: what is changed.
        encode: returns the ids of a text, at least one.
        interrupted: asked before each block of the texts that means and directions are taken of.
        progress: told with it.

    Raises:
        UserError: when the model has not those parts, or a text has no tokens or too many.
        Interrupted: when ``interrupted`` returned True.
    """

    def __init__(
        self,
        model: GPT2,
        intervention: Intervention,
        encode: Callable[[str], Sequence[int]],
        *,
        interrupted: Callable[[], bool] = never,
        progress: Progress = ignored,
    ) -> None:
        super().__init__(model)
        intervention.check_shape(model.config.n_layer, model.config.n_head)
        texts = bool(intervention.mean_of) + 2 * len(intervention.steering)
        interrupted = _counted(interrupted, progress, texts * model.config.n_layer)
        text: ForwardPass | None = None
        if intervention.mean_of:
            ids = encode(intervention.mean_of)[: model.config.n_positions]
            text = forward_pass(model, ids, interrupted=interrupted)
        self._hooks: list[Hooked] = []
        for layer in sorted({part.layer for part in intervention.without}):
            self._switch_off(layer, [part for part in intervention.without if part.layer == layer], text)
        for one in intervention.steering:
            self._steer(one, _direction(model, one, encode, interrupted))

    @torch.inference_mode()
    def read(self, ids: Sequence[int], cache: KVCache, *, interrupted: Callable[[], bool] | None = None) -> Tensor:
        with self._changed():
            return super().read(ids, cache, interrupted=interrupted)

    @contextmanager
    def _changed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for hook in self._hooks:
                stack.callback(hook().remove)
            yield

    @torch.inference_mode()
    def _switch_off(self, layer: int, parts: Sequence[Component], text: ForwardPass | None) -> None:
        """Has parts of one layer give zero, or their means over the tokens of a text."""
        block, config = block_of(self.model, layer), self.model.config
        heads = [part.head for part in parts if part.head is not None]
        if heads:
            off = torch.zeros(config.n_head, config.head_size, dtype=torch.bool, device=self._device)
            off[heads] = True
            new = torch.zeros(1, device=self._device) if text is None else text.mixed[layer].mean(1).flatten()
            change = partial(_with_columns, off.flatten(), new)
            self._hooks.append(partial(block.attn.c_proj.register_forward_pre_hook, change))
        if any(part.mlp for part in parts):
            added = 0.0 if text is None else text.mlp[layer].mean(0)
            self._hooks.append(partial(block.mlp.register_forward_hook, partial(_instead, added)))
        if any(part.is_layer for part in parts):
            added = 0.0 if text is None else (text.attention[layer] + text.mlp[layer]).mean(0)
            self._hooks.append(partial(block.register_forward_hook, partial(_past, added)))

    def _steer(self, steering: Steering, direction: Tensor) -> None:
        block = block_of(self.model, steering.layer)
        self._hooks.append(partial(block.register_forward_pre_hook, partial(_moved, steering.strength * direction)))


def _counted(interrupted: Callable[[], bool], progress: Progress, total: int) -> Callable[[], bool]:
    """``interrupted``, which tells how often it was asked before."""
    asked = itertools.count()

    def ask() -> bool:
        progress(next(asked), total)
        return interrupted()

    return ask


@torch.inference_mode()
def _direction(
    model: GPT2, steering: Steering, encode: Callable[[str], Sequence[int]], interrupted: Callable[[], bool]
) -> Tensor:
    """The difference of the prompts' residual streams behind their last tokens, (C) float32."""
    toward, away = (
        forward_pass(model, encode(text), interrupted=interrupted).residual[steering.layer, -1]
        for text in (steering.toward, steering.away)
    )
    return toward - away


def _with_columns(off: Tensor, new: Tensor, module: Any, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A pre-hook: some columns of the input, (B, T, C), are replaced."""
    x, *others = arguments
    return torch.where(off, new.to(x.dtype), x), *others


def _instead(added: Tensor | float, module: Any, arguments: tuple[Tensor, ...], y: Tensor) -> Tensor:
    """A hook: something else takes the place of the output, (B, T, C)."""
    return torch.zeros_like(y) + _as(added, y)


def _past(added: Tensor | float, module: Any, arguments: tuple[Tensor, ...], y: Tensor) -> Tensor:
    """A hook: what goes into a block, (B, T, C), comes out, with something added."""
    return arguments[0] + _as(added, y)


def _moved(added: Tensor, module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """A pre-hook: something is added to the input, (B, T, C)."""
    x, *others = arguments
    return x + _as(added, x), *others


def _as(added: Tensor | float, y: Tensor) -> Tensor | float:
    return added.to(y.dtype) if isinstance(added, Tensor) else added
