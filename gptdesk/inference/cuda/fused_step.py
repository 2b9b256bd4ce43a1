"""The decode step as five Triton kernels a block, instead of a dozen of torch's: a step is bound by their number.

GPT-2 124M's weights in bfloat16 are 250 MB, which an H200 reads in some 55 µs; each of 130 kernels costs 2 to 3 µs more
in a CUDA graph. These are 62.
"""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from gptdesk.gpt2.activations import ActivationCase
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2, Block
from gptdesk.inference.cuda.blocks import padded
from gptdesk.inference.cuda.fused_choice import FusedChoice, fused_choice
from gptdesk.inference.in_torch.parity import TOLERANCE

log = logging.getLogger(__name__)

_TILE: Final = 2**14
"""Weights that a program holds at once at most: 4 rows of width 3,072, padded to 4,096."""

_MOST_ROWS: Final = 8

_HEAD_TILES: Final = 4
"""Tiles of the head's weight that one program takes one after the other, which saves the layer norm for each."""

_LONGEST_ROW: Final = _TILE

MOST_TEXTS: Final = 8
"""Texts, or tokens of them, in a step."""

_COMPARED: Final = 3
"""Tokens after which the kernels' logits are compared with the network's."""


def fused_step(model: GPT2, *, overlap: bool = True) -> FusedStep | None:
    """The step for a model on CUDA.

    Args:
        model: in evaluation mode.
        overlap: whether its kernels overlap, where the GPU and Triton can do that; see `FusedStep`.

    Returns:
        None where Triton is missing or fails, the model has a shape that the kernels are not for, or they compute other
        logits than the network.
    """
    if not fits(model):
        return None
    try:
        from gptdesk.inference.cuda import fused_kernels
    except ImportError:  # as on Windows
        return None
    try:
        step = FusedStep(model, fused_kernels, overlap=overlap and _can_overlap(model, fused_kernels))
        difference = _difference(model, step)
    except Exception as error:  # from Triton, the C compiler that it needs, or the driver
        log.warning("The decode step's kernels cannot be made, so torch's are used, which are slower: %s", error)
        return None
    if not difference <= TOLERANCE[model.wte.weight.dtype]:
        log.warning("The decode step's kernels compute wrong values here (%.3g), so torch's are used.", difference)
        return None
    return step


def _can_overlap(model: GPT2, kernels: ModuleType) -> bool:
    """Whether kernels can be started while those before them run: from Hopper and Triton 3.3 on."""
    device = model.wte.weight.device
    return kernels.gdc_wait is not None and torch.cuda.get_device_capability(device) >= (9, 0)


def fits(model: GPT2) -> bool:
    """Whether the kernels are for this model: GELU's tanh approximation, and rows that one program can hold."""
    config = model.config
    longest = max(config.n_embd, config.inner_size)
    return config.activation.case == ActivationCase.GELU_TANH and padded(longest) <= _LONGEST_ROW


class FusedStep:
    """Computes a decode step of one or several texts. A text's own step is the same, whatever is beside it.

    Args:
        model: that `fits`; its weights must neither move nor change.
        kernels: `gptdesk.inference.cuda.fused_kernels`.
        overlap: whether a kernel loads its weights while those before still run.
    """

    def __init__(self, model: GPT2, kernels: ModuleType, *, overlap: bool = False) -> None:
        config, device = model.config, model.wte.weight.device
        self._model = model
        self._kernels = kernels
        self._launch: dict[str, bool] = {"OVERLAP": overlap} | ({"launch_pdl": True} if overlap else {})
        self._layers = [_Layer.of(block) for block in model.h if isinstance(block, Block)]
        heads = MOST_TEXTS * config.n_head * -(-config.n_positions // kernels.SPAN)

        def buffer(*shape: int) -> Tensor:
            return torch.empty(shape, dtype=torch.float32, device=device)

        self._x, self._q = buffer(MOST_TEXTS, config.n_embd), buffer(MOST_TEXTS, config.n_embd)
        self._hidden = buffer(MOST_TEXTS, config.inner_size)
        self._span_weights, self._span_values = buffer(heads), buffer(heads, config.head_size)

    def chooser(self, inputs: Tensor) -> FusedChoice | None:
        """Kernels that choose a token from the logits of a step, and put it into the inputs of the next one."""
        return fused_choice(self._model.config.vocab_size, inputs, self._launch)

    @torch.no_grad()
    def logits(self, inputs: Tensor, *, texts: int, reach: int) -> Tensor:
        """Appends a token to each of several caches, and returns the logits after it, (texts, V) float32.

        Args:
            inputs: (5, `MOST_TEXTS`) int64: of each text the token's id, its position, and the addresses of keys and
                values, (n_layer, 1, nh, n_positions, hs) each, contiguous and in the dtype of the weights. Of a text
                with several tokens these are several columns. The position after each is written to the last row.
            texts: columns that count.
            reach: positions that attention reads; more than the last of them.
        """
        with torch.cuda.device_of(inputs):
            return self._logits(*inputs, texts=texts, spans=-(-reach // self._kernels.SPAN))

    def _logits(
        self, ids: Tensor, positions: Tensor, keys: Tensor, values: Tensor, following: Tensor, *, texts: int, spans: int
    ) -> Tensor:
        model, kernels, config = self._model, self._kernels, self._model.config
        C, H, D, P, eps = config.n_embd, config.n_head, config.head_size, config.n_positions, config.layer_norm_epsilon
        inner, V, wte = config.inner_size, config.vocab_size, model.wte.weight
        x, block_of, launch = self._x, padded(C), self._launch
        kernels.embed[(texts,)](ids, positions, following, wte, model.wpe.weight, x, C, BLOCK=block_of)
        for layer, block in enumerate(self._layers):
            start, attn, mlp = layer * H * P * D, block.block.attn, block.block.mlp
            kernels.attention_input[(texts, _tiles(3 * C, C))](
                x, *block.attention_input, self._q, keys, values, positions, start, C, D, P, eps,
                **_how(attn.c_attn), **launch,
            )  # fmt: skip
            kernels.attention[(texts, H, spans)](
                self._q, keys, values, positions, start, wte, self._span_weights, self._span_values,
                H, D, P, spans, attn.scale, MOST_TEXTS=MOST_TEXTS, SPAN=kernels.SPAN, BLOCK_D=padded(D), **launch,
            )  # fmt: skip
            kernels.attention_output[(texts, _tiles(C, C))](
                x, self._span_weights, self._span_values, *_of(attn.c_proj), C, D, spans,
                HAS_BIAS=attn.c_proj.bias is not None, **_how(attn.c_proj), **launch,
            )  # fmt: skip
            kernels.mlp_input[(texts, _tiles(inner, C))](
                x, *block.mlp_input, self._hidden, C, inner, eps, **_how(mlp.c_fc), **launch
            )
            kernels.mlp_output[(texts, _tiles(C, inner))](
                x, self._hidden, *_of(mlp.c_proj), C, inner,
                HAS_BIAS=mlp.c_proj.bias is not None, **_how(mlp.c_proj), **launch,
            )  # fmt: skip
        logits = torch.empty(texts, V, dtype=torch.float32, device=x.device)
        shape = {"ROWS": _rows(V, C), "BLOCK": block_of, "TILES": _HEAD_TILES, "HAS_BIAS": model.ln_f.bias is not None}
        kernels.head[(texts, -(-_tiles(V, C) // _HEAD_TILES))](
            x, *_of(model.ln_f), model.lm_head.weight, logits, C, V, eps, **shape, **launch
        )
        return logits


class _Layer(NamedTuple):
    """A block, and what its two products after layer norms read.

    Attributes:
        block: as given.
        attention_input, mlp_input: the norm's weight, the product's, and of each row of that `_folded`.
    """

    block: Block
    attention_input: tuple[Tensor, Tensor, Tensor, Tensor]
    mlp_input: tuple[Tensor, Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, block: Block) -> _Layer:
        return cls(block, _folded(block.ln_1, block.attn.c_attn), _folded(block.ln_2, block.mlp.c_fc))


@torch.no_grad()
def _folded(norm: nn.LayerNorm, layer: nn.Linear) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The weights of a layer norm and of the product after it, and in float32 the product of each of the latter's rows
    with the norm's weight, and with the norm's bias (the product's own bias added)."""
    weight = layer.weight.float()
    sums, shifts = weight @ norm.weight.float(), torch.zeros_like(weight[:, 0])
    if norm.bias is not None:
        shifts += weight @ norm.bias.float()
    if layer.bias is not None:
        shifts += layer.bias.float()
    return norm.weight, layer.weight, sums, shifts


def _of(layer: nn.Linear | nn.LayerNorm) -> tuple[Tensor, Tensor]:
    """Weight and bias; the weight stands in for a bias that is not there, and is not read."""
    return layer.weight, layer.weight if layer.bias is None else layer.bias


def _how(layer: nn.Linear) -> dict[str, int | bool]:
    """Compile-time arguments of a product with this layer."""
    block = padded(layer.in_features)
    return {
        "ROWS": _rows(layer.out_features, layer.in_features),
        "BLOCK": block,
        "num_warps": 8 if block > 4096 else 4,  # long rows need many registers
    }


def _rows(rows: int, columns: int) -> int:
    """Rows of a weight, (rows, columns), that one program takes: few where there are few, to keep a GPU's 132
    multiprocessors busy."""
    share = 4 if rows <= 2048 else _MOST_ROWS
    return max(1, min(share, _TILE // padded(columns)))


def _tiles(rows: int, columns: int) -> int:
    return -(-rows // _rows(rows, columns))


def _difference(model: GPT2, step: FusedStep) -> float:
    """Relative error of the logits after a few tokens against the network's, as `parity_error` has it."""
    weight, config = model.wte.weight, model.config
    count = min(_COMPARED, config.n_positions)
    ids = torch.arange(count, device=weight.device).mul_(7919).add_(11).remainder_(config.vocab_size)
    cache = KVCache(config, dtype=weight.dtype, device=weight.device)
    inputs = torch.zeros(5, MOST_TEXTS, dtype=torch.int64, device=weight.device)
    inputs[0, :count], inputs[1, :count] = ids, torch.arange(count, device=weight.device)
    inputs[2, :count], inputs[3, :count] = cache.keys.data_ptr(), cache.values.data_ptr()
    mine = step.logits(inputs, texts=count, reach=count)
    with torch.no_grad():
        theirs = model.next_token_head(model.hidden_states(ids[None])[0])
    return float((mine - theirs).norm() / (theirs - theirs.mean(dim=1, keepdim=True)).norm())
