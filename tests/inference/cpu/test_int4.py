"""int4: rounding that keeps a matrix's products, and the text that shows which inputs it gets."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gptdesk.gpt2.activations import ACTIVATIONS, Activation
from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.activations import ACTIVATE
from gptdesk.inference.cpu.group_size import GROUP, groups_in
from gptdesk.inference.cpu.int4 import calibration_text
from gptdesk.inference.cpu.int4.calibration import Calibration
from gptdesk.inference.cpu.int4.calibration_text import calibration_ids, random_ids
from gptdesk.inference.cpu.int4.rounding import quantize_groups
from gptdesk.inference.in_torch.dequantize import dequantize_groups
from gptdesk.inference.in_torch.shared_weights import load_quantized
from gptdesk.resource_files import resource
from tests.inference.quantized_models import quantize_model
from tests.random_models import random_model

CONFIG = GPT2Config(vocab_size=120, n_positions=80, n_embd=64, n_layer=2, n_head=2)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def independent(columns: int) -> np.ndarray:
    """Inputs of equal size without correlations: each weight counts the same, and none makes up for another."""
    return np.eye(columns, dtype=np.float32)


def restored(weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """What the weights are after quantisation, read from the packed bytes."""
    rows, columns = weights.shape
    numbers = np.empty((rows, 16 * groups_in(columns)), np.uint8)
    scales = np.empty((rows, groups_in(columns)), np.float32)
    told = quantize_groups(weights, inputs, numbers, scales)
    found = dequantize_groups(torch.from_numpy(numbers), torch.from_numpy(scales), columns).numpy()
    np.testing.assert_allclose(told, found, atol=1e-5 * np.abs(weights).max(initial=1e-30))
    return found


def error_of_groups(weights: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.square(weights - found).reshape(-1, GROUP).sum(axis=1)


# --- Rounding ---


def test_no_group_loses_more_than_by_llama_cpps_q4_0() -> None:
    """Against the rounding of its package ``gguf``, whose scale of every group is tried here too."""
    gguf = pytest.importorskip("gguf")
    weights = normal(64, 96)
    kind = gguf.GGMLQuantizationType.Q4_0
    theirs = gguf.quants.dequantize(gguf.quants.quantize(weights, kind), kind)
    found = restored(weights, independent(96))
    assert (error_of_groups(weights, found) <= error_of_groups(weights, theirs) * 1.0001).all()
    assert np.square(weights - found).mean() > 1e-4, "4 bits cannot be exact"


def test_no_group_loses_more_than_by_any_range_up_to_its_largest_weight() -> None:
    weights = normal(40, 64)
    found = error_of_groups(weights, restored(weights, independent(64)))
    groups = weights.reshape(-1, GROUP)
    extreme = np.take_along_axis(groups, np.abs(groups).argmax(axis=1, keepdims=True), axis=1)
    for shrink in (1.0, 0.95, 0.9, 0.85):
        scale = extreme * np.float32(-shrink / 8)
        rounded = np.rint(groups / scale).clip(-8, 7) * scale
        assert (found <= np.square(groups - rounded).sum(axis=1) * 1.0001).all()


def test_what_int4_can_hold_it_holds_exactly() -> None:
    exact = np.random.default_rng(3).integers(-8, 8, size=(5, 64)).astype(np.float32)
    exact[:, ::GROUP] = -8  # each group's extreme
    np.testing.assert_allclose(restored(exact / 4, normal(100, 64)), exact / 4, rtol=1e-6)


@pytest.mark.parametrize("columns", [1, 31, 33, 70])
def test_the_last_group_is_filled_up(columns: int) -> None:
    weights = normal(3, columns)
    found = restored(weights, normal(200, columns, seed=1))
    assert found.shape == weights.shape
    assert np.abs(found - weights).max() < 0.7


def test_zeros_stay_zeros() -> None:
    assert not restored(np.zeros((4, 64), np.float32), normal(9, 64)).any()


def correlated(columns: int) -> np.ndarray:
    """Inputs of which two columns are much larger than the others, and which have much in common."""
    inputs = normal(500, columns, seed=1) + 2 * normal(500, 1, seed=2) * normal(1, columns, seed=3)
    inputs[:, [3, 40]] *= 20
    return inputs


def test_products_with_outlying_columns_lose_less_than_by_rounding_each_weight_to_the_nearest() -> None:
    weights, inputs = normal(50, 96), correlated(96)

    def loss(rounded: np.ndarray) -> float:
        return float(np.square(inputs @ (weights - rounded).T).mean())

    assert loss(restored(weights, inputs)) < loss(restored(weights, independent(96))) / 5


def test_matrices_that_are_rounded_in_parts_lose_little_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from gptdesk.inference.cpu.int4 import rounding

    weights, inputs = normal(50, 160), correlated(160)
    whole = np.square(inputs @ (weights - restored(weights, inputs)).T).mean()
    nearest = np.square(inputs @ (weights - restored(weights, independent(160))).T).mean()
    monkeypatch.setattr(rounding, "_MOST_COLUMNS", 64)
    parts = np.square(inputs @ (weights - restored(weights, inputs)).T).mean()
    assert whole < parts < nearest / 2


@pytest.mark.parametrize("broken", [0.0, 1e30, np.inf, np.nan])
def test_inputs_that_say_nothing_leave_the_nearest_values(broken: float) -> None:
    weights = normal(5, 64)
    inputs = np.full((7, 64), broken, np.float32)
    np.testing.assert_array_equal(restored(weights, inputs), restored(weights, independent(64)))


# --- Calibration ---

VARIANTS = {
    "OpenAI's": CONFIG,
    "no biases": GPT2Config(vocab_size=120, n_positions=80, n_embd=64, n_layer=2, n_head=2, bias=False),
    "other attention": GPT2Config(
        vocab_size=120, n_positions=80, n_embd=64, n_layer=2, n_head=4, scale_attn_by_inverse_layer_idx=True, n_inner=96
    ),
}


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_calibration_sees_the_inputs_that_the_network_computes(config: GPT2Config) -> None:
    model = random_model(config)
    ids = random_ids(config, 2, 70)  # the attention of more than one part
    expected: dict[str, torch.Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(lambda _, x, name=name: expected.update({name: x[0]}))
    with torch.inference_mode():
        model(torch.from_numpy(ids))
    calibration, seen = Calibration(config, ids), set()
    for name, weight in model.named_parameters():
        values = weight.detach().numpy()
        if name == "wte.weight":
            calibration.embed(name, values[ids])
        elif name == "wpe.weight":
            calibration.embed(name, values[:70])
        elif values.ndim == 1:
            calibration.keep(name, values)
        else:

            def unchanged(inputs: np.ndarray, name: str = name, values: np.ndarray = values) -> np.ndarray:
                wanted = expected[name.removesuffix(".weight")].flatten(0, 1)
                np.testing.assert_allclose(inputs, wanted, atol=1e-4, rtol=1e-4)
                seen.add(name)
                return values

            calibration.quantize(name, unchanged)
    assert len(seen) == 4 * config.n_layer


def test_a_network_with_outlying_columns_loses_less_than_by_rounding_to_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Columns of layer norms that are much larger than the others, as in OpenAI's models."""
    model = random_model(CONFIG)
    with torch.no_grad():
        for block in model.h:
            for norm in (block.ln_1, block.ln_2):
                norm.weight[[5, 40]] *= 10
                norm.bias[5] += 10
    ids = torch.from_numpy(random_ids(CONFIG, 4, 64))

    def loss(quantized: GPT2) -> float:
        """KL divergence of the next token, in nats."""
        with torch.inference_mode():
            wanted, found = (network(ids).log_softmax(-1) for network in (model, quantized))
        return nn.functional.kl_div(found, wanted, log_target=True, reduction="sum").item() / ids.numel()

    text = np.random.default_rng(7).integers(120, size=(8, 64))
    calibrated = loss(quantize_model(model, "int4", text))
    monkeypatch.setattr(
        "gptdesk.inference.cpu.weights.quantize_groups",
        lambda weights, inputs, *outputs: quantize_groups(weights, independent(weights.shape[1]), *outputs),
    )
    assert calibrated < loss(quantize_model(model, "int4", text)) / 2


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.names[0])
def test_every_activation_is_known_to_the_calibration(activation: Activation) -> None:
    x = np.concatenate([np.linspace(-30, 30, 4001), [0.0, -1e3, 1e3]]).astype(np.float32)
    expected = activation.function()(torch.from_numpy(x).double())
    np.testing.assert_allclose(ACTIVATE[activation.case](x), expected, atol=3e-6, rtol=3e-6)


# --- The text ---


def test_the_bundled_model_is_calibrated_with_plays() -> None:
    from gptdesk.gpt2.layout import read_config
    from gptdesk.gpt2.tokenizers.loading import load_tokenizer

    folder = resource("models", "stories")
    config = read_config(folder)
    ids = calibration_ids(folder, config)
    assert ids.shape == (8, 512)
    assert load_tokenizer(folder, config).decode(ids[0].tolist()).startswith("First Citizen:")


def test_a_text_that_the_model_has_no_tokens_for_is_replaced_by_random_ids(tmp_path: Path) -> None:
    save_model(GPT2(CONFIG), tmp_path)
    ids = calibration_ids(tmp_path, CONFIG)
    assert 0 <= ids.min() < ids.max() < CONFIG.vocab_size
    np.testing.assert_array_equal(ids, calibration_ids(tmp_path, CONFIG))


def test_a_model_with_its_own_tokenizer_gets_the_text_in_its_tokens(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    own = tokenizers.Tokenizer(tokenizers.models.BPE())
    own.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = tokenizers.decoders.ByteLevel()
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    own.model = tokenizers.models.BPE(vocab={letter: id for id, letter in enumerate(letters)}, merges=[])
    config = GPT2Config(vocab_size=256, n_positions=16, n_embd=8, n_layer=1, n_head=1)
    save_model(GPT2(config), tmp_path)
    own.save(str(tmp_path / "tokenizer.json"))
    ids = calibration_ids(tmp_path, config)
    assert ids.shape == (256, 16)
    assert own.decode(ids[0].tolist()) == "First Citizen:\nB"


@pytest.mark.parametrize("content", [None, b"no xz"])
def test_a_missing_or_damaged_text_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    folder = resource("models", "stories")
    text = tmp_path / "shakespeare.txt.xz"
    if content is not None:
        text.write_bytes(content)
    monkeypatch.setattr(calibration_text, "resource", lambda *parts: text)
    from gptdesk.gpt2.layout import read_config

    config = read_config(folder)
    assert calibration_ids(folder, config).max() < config.vocab_size


def test_the_same_folder_gives_the_same_bits(tmp_path: Path) -> None:
    save_model(random_model(CONFIG), tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one, two = (load_quantized(tmp_path / name, "int4").state_dict() for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)
