"""Reads LoRA adapters as ``peft`` writes them (Hu et al. 2021), and merges them with the weights of a base model.

Source: peft's ``LoraConfig`` and ``tuners/lora/layer.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.bounded_read import ContentError, number, read_object
from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING, HEAD, check_is_no_pointer, is_transposed, our_name, tensor_shapes

if TYPE_CHECKING:
    import torch

CONFIG_FILE: Final = "adapter_config.json"
WEIGHTS_FILES: Final = ("adapter_model.safetensors", "adapter_model.bin")

_PREFIX: Final = "base_model.model."

_FACTOR: Final = re.compile(r"(?P<layer>.+)\.lora_(embedding_)?(?P<letter>[AB])(\.default)?(\.weight)?")
"""Low-rank matrices: ``lora_A`` (r, in) and ``lora_B`` (out, r); of an embedding (r, tokens) and (width, r)."""

_COPY: Final = re.compile(r"\.(modules_to_save|original_module)\.")
"""Marks what is stored a second time, beside a layer that was resized and trained as a whole."""

_SETTINGS: Final = frozenset(
    (
        "peft_type", "base_model_name_or_path", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern",
        "init_lora_weights", "ensure_weight_tying", "auto_mapping", "revision", "task_type", "inference_mode",
        "target_modules", "exclude_modules", "lora_dropout", "fan_in_fan_out", "bias", "modules_to_save",
        "layers_to_transform", "layers_pattern", "megatron_core", "loftq_config", "eva_config", "corda_config",
        "lora_ga_config", "qalora_group_size", "runtime_config", "peft_version",
    )
)  # fmt: skip
"""Of ``adapter_config.json``: those that are obeyed here, and those that matter in training alone or show in the
weights. Any other one that is set, such as ``use_dora``, may mean a sum that is not the one below."""

_CHANGES_BASE: Final = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that change the weights of the base, so that the adapter does not go with the original ones."""


@dataclass(frozen=True)
class LowRank:
    """What is added to one weight: ``scale * B @ A``.

    Attributes:
        a, b: names in the file of the matrices (r, in) and (out, r).
        shape: of the weight, as we use it.
        scale: factor of the product.
    """

    a: str
    b: str
    shape: tuple[int, ...]
    scale: float


@dataclass(frozen=True)
class Adapter:
    """An adapter, as its config and the headers of its weights describe it.

    Attributes:
        base: name or folder of its base model; empty when it names none.
        low_rank: products that are added, by our names of the weights.
        replaced: weights that take the place of the base's, by our names: name in the file, and shape as we use it.
    """

    base: str
    low_rank: Mapping[str, LowRank]
    replaced: Mapping[str, tuple[str, tuple[int, ...]]]

    def config_with(self, base: GPT2Config) -> GPT2Config:
        """The config of the merged model.

        The vocabulary is that of the embedding that the adapter brings; the head is untied when it and the embedding
        are no longer the same, as in peft, where each keeps its own copy.
        """
        touched = {EMBEDDING, HEAD} & {*self.low_rank, *self.replaced}
        if EMBEDDING in self.replaced:
            rows = self.replaced[EMBEDDING][1][0]
            if rows != base.vocab_size and touched == {EMBEDDING}:
                touched = set()  # the head of the base has another number of tokens, so that it can only be the same
            base = replace(base, vocab_size=rows)
        return replace(base, tie_word_embeddings=base.tie_word_embeddings and not touched)

    def misfit(self, base: GPT2Config) -> str:
        """Why it does not fit a model of that shape, as a clause; empty when it does."""
        wanted = tensor_shapes(self.config_with(base))
        shapes = {name: change.shape for name, change in self.low_rank.items()}
        shapes |= {name: shape for name, (_, shape) in self.replaced.items()}
        for name, shape in shapes.items():
            if name not in wanted:
                return f"it changes {name[:100]!a}, which the model does not have"
            if wanted[name] != shape:
                return f"it changes {name} of the shape {shape}, which is {wanted[name]} in the model"
        return ""


def read_adapter(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> Adapter:
    """The adapter of a folder whose weights have these names and shapes.

    Raises:
        UserError: when it is no LoRA adapter, or of a variant that is not supported.
    """
    values = _read_settings(folder)
    factors: dict[str, dict[str, str]] = {}
    replaced: dict[str, tuple[str, tuple[int, ...]]] = {}
    for stored, shape in shapes.items():
        inner = stored.removeprefix(_PREFIX)
        match = _FACTOR.fullmatch(inner)
        if inner == stored or ("lora_" in inner and match is None):
            raise UserError(f"The adapter in {folder} holds {stored[:100]!a}, which is not supported.")
        if match is not None:
            factors.setdefault(match["layer"], {})[match["letter"]] = stored
        elif not _COPY.search(inner) and (name := our_name(inner.replace(".base_layer.", "."))) is not None:
            replaced[name] = (stored, shape[::-1] if is_transposed(name) and len(shape) == 2 else shape)
    if not factors:
        raise UserError(f"The adapter in {folder} holds no low-rank matrices.")
    low_rank: dict[str, LowRank] = {}
    for layer, names in factors.items():
        change = _low_rank(folder, values, layer, names, shapes)
        low_rank[our_name(f"{layer}.weight") or layer] = change
    adapter = Adapter(_text(values.get("base_model_name_or_path")), low_rank, replaced)
    if values.get("ensure_weight_tying") and {EMBEDDING, HEAD} & {*low_rank, *replaced}:
        raise UserError(f"The adapter in {folder} changes tied weights together, which is not supported.")
    return adapter


def merged(name: str, base: torch.Tensor, adapter: Adapter, read: Callable[[str], torch.Tensor]) -> torch.Tensor:
    """A weight with the adapter in it, in the base's type; sums are in float32.

    Args:
        name: of the weight, ours.
        base: the base's, (outputs, inputs) for a linear layer.
        adapter: that fits the base.
        read: gives a tensor of the adapter by its name in the file.
    """
    weight = base
    if name in adapter.replaced:
        weight = read(adapter.replaced[name][0]).to(base.dtype)
        weight = weight.t() if is_transposed(name) else weight
    if name not in adapter.low_rank:
        return weight
    change = adapter.low_rank[name]
    product = read(change.b).float() @ read(change.a).float()
    if _is_embedding(change):  # its product is (width, tokens)
        product = product.t()
    return (weight.float() + change.scale * product).to(weight.dtype)


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    check_is_no_pointer(path)
    try:
        values = read_object(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    except ContentError as error:
        raise UserError(f"{path} is damaged: {error}.") from error
    if (kind := values.get("peft_type")) != "LORA":
        raise UserError(f"The adapter in {folder} is of the type {str(kind)[:50]!a}; only LORA is supported.")
    if unknown := sorted(name for name, value in values.items() if value and name not in _SETTINGS):
        raise UserError(f"The adapter in {folder} sets {unknown[0][:100]!a}, which is not supported.")
    start = values.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_CHANGES_BASE):
        raise UserError(
            f"The adapter in {folder} began as {start[:50]!a}, which changes the base model too; convert it to plain "
            "LoRA with peft (path_initial_model_for_weight_conversion)."
        )
    return values


def _low_rank(
    folder: Path,
    values: Mapping[str, Any],
    layer: str,
    names: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
) -> LowRank:
    if names.keys() != {"A", "B"}:
        raise UserError(f"The adapter in {folder} is incomplete: {layer[:100]!a} has one of two matrices.")
    a, b = shapes[names["A"]], shapes[names["B"]]
    rank = _of_layer(folder, values, "rank_pattern", "r", layer)
    alpha = _of_layer(folder, values, "alpha_pattern", "lora_alpha", layer)
    if len(a) != 2 or len(b) != 2 or a[0] != b[1] or a[0] != rank:
        raise UserError(
            f"The adapter in {folder} contradicts itself: {layer[:100]!a} has matrices of the shapes {a} and {b} at "
            f"rank {rank:g}."
        )
    scale = alpha / math.sqrt(rank) if values.get("use_rslora") is True else alpha / rank
    change = LowRank(names["A"], names["B"], (b[0], a[1]), scale)
    return replace(change, shape=(a[1], b[0])) if _is_embedding(change) else change


def _is_embedding(change: LowRank) -> bool:
    return "lora_embedding_" in change.a


def _of_layer(folder: Path, values: Mapping[str, Any], pattern: str, plain: str, layer: str) -> float:
    """Rank or alpha of a layer: the pattern that ends its name, or the one number for all layers."""
    found = values.get(plain)
    patterns = values.get(pattern)
    for key, value in patterns.items() if isinstance(patterns, dict) else ():
        if re.fullmatch(r"\^?[\w.]+\$?", key) is None:
            raise UserError(f"The adapter in {folder} chooses layers by {key[:100]!a}, which is not supported.")
        name = key.strip("^$")
        if layer == name or (not key.startswith("^") and layer.endswith(f".{name}")):
            found = value
            break
    result = number(found, None)
    if result is None or result <= 0:
        raise UserError(f"The adapter in {folder} has no {plain} that is a number above 0.")
    return result


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) < 4096 and value.isprintable() else ""
