"""Weights in 8 and 4 bits: what they stand for, and the models that compute with them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu import quantized_files
from gptdesk.inference.cpu.int4.calibration_text import calibration_ids
from gptdesk.inference.cpu.quantize import quantize_rows
from gptdesk.inference.cpu.weights import Weights
from gptdesk.inference.in_torch.dequantize import dequantize_rows
from gptdesk.inference.in_torch.linear import use_faster_products
from gptdesk.inference.in_torch.quantized import QuantizedLinear, precision_of
from gptdesk.inference.in_torch.shared_weights import load_quantized
from tests.inference.quantized_models import quantize_model

CONFIG = GPT2Config(vocab_size=120, n_positions=40, n_embd=48, n_layer=2, n_head=3)
PRECISIONS = ("int8", "int4")


def random_weights(rows: int, columns: int) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = GPT2(CONFIG)
    model.init_weights(torch.Generator().manual_seed(0))
    made = tmp_path_factory.mktemp("model")
    save_model(model, made)
    return made


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which models as small as these are kept."""
    monkeypatch.setitem(quantized_files.KEEP_FROM, "int8", 0)
    return tmp_path / "kept"


def same_weights(one: GPT2, other: GPT2) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


# --- Rounding ---


def test_int8_is_off_by_half_a_step_at_most() -> None:
    weights = random_weights(300, 70)
    numbers, scales = torch.empty(300, 70, dtype=torch.int8), torch.empty(300)
    quantize_rows(weights.numpy(), numbers.numpy(), scales.numpy())
    torch.testing.assert_close(scales, weights.abs().amax(dim=1) / 127)
    error = (dequantize_rows(numbers, scales) - weights).abs()
    assert (error <= scales[:, None] * 0.5001).all()


def test_zeros_stay_zeros() -> None:
    zeros = torch.zeros(4, 64)
    numbers, scales = torch.empty(4, 64, dtype=torch.int8), torch.empty(4)
    quantize_rows(zeros.numpy(), numbers.numpy(), scales.numpy())
    assert torch.equal(dequantize_rows(numbers, scales), zeros)


# --- Models ---


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("tied", [True, False])
def test_a_model_computes_with_what_its_weights_stand_for(precision: str, tied: bool) -> None:
    config = GPT2Config(vocab_size=120, n_positions=40, n_embd=48, n_layer=2, n_head=3, tie_word_embeddings=tied)
    model = GPT2(config)
    model.init_weights(torch.Generator().manual_seed(0))
    model.eval()
    quantized = quantize_model(model, precision)
    with torch.no_grad():
        for name, module in quantized.named_modules():
            if isinstance(module, QuantizedLinear):
                model.get_submodule(name).weight.copy_(module.dequantize(0, module.out_features))
        model.wte.weight.copy_(dequantize_rows(quantized.wte.qweight, quantized.wte.scales))
    ids = torch.randint(120, (2, 40), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(quantized(ids), model(ids), atol=1e-5, rtol=1e-5)
    assert precision_of(quantized) == precision


def test_no_second_copy_of_the_weights_is_kept() -> None:
    model = GPT2(CONFIG)
    quantized = quantize_model(model, "int8")
    tensors = {tensor.data_ptr(): tensor.nbytes for tensor in quantized.state_dict().values()}
    assert sum(tensors.values()) <= Weights.size(CONFIG, "int8") < 1.5 * CONFIG.num_parameters()
    assert not any(isinstance(module, torch.nn.Linear) for module in quantized.modules())


def test_linear_layers_for_inference_compute_the_same() -> None:
    model = GPT2(CONFIG)
    model.init_weights(torch.Generator().manual_seed(0))
    model.eval()
    for length in (1, 2, 40):
        ids = torch.randint(120, (1, length), generator=torch.Generator().manual_seed(1))
        other = GPT2(CONFIG).eval()
        other.load_state_dict(model.state_dict())
        use_faster_products(other)
        with torch.inference_mode():
            torch.testing.assert_close(other(ids), model(ids), atol=1e-5, rtol=1e-5)


# --- Files ---


@pytest.mark.parametrize("precision", PRECISIONS)
def test_loading_quantises_what_the_folder_holds(folder: Path, precision: str) -> None:
    told: list[tuple[int, int]] = []
    loaded = load_quantized(folder, precision, progress=lambda done, total: told.append((done, total)))
    assert same_weights(loaded, quantize_model(load_model(folder), precision, calibration_ids(folder, CONFIG)))
    assert told[-1] == (CONFIG.num_parameters(), CONFIG.num_parameters())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_was_quantised_is_read_the_next_time(folder: Path, keep: Path, precision: str) -> None:
    first = load_quantized(folder, precision, keep=keep)
    (kept,) = keep.iterdir()
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1  # the end of a bias or of the padding behind it: to be told from a fresh one
    content[5000] ^= 1
    kept.write_bytes(content)
    again = load_quantized(folder, precision, keep=keep)
    assert not same_weights(again, first)
    assert again.config == first.config
    assert [path.name for path in keep.iterdir()] == [kept.name]


@pytest.mark.parametrize("damage", ["cut", "no header", "another config", "another precision", "no precision"])
def test_what_was_kept_and_is_damaged_is_made_again(folder: Path, keep: Path, damage: str) -> None:
    first = load_quantized(folder, "int8", keep=keep)
    (kept,) = keep.iterdir()
    content = kept.read_bytes()
    broken = {
        "cut": content[:-100],
        "no header": bytes(4096) + content[4096:],
        "another config": content.replace(b'"n_layer": 2', b'"n_layer": 3'),
        "another precision": content.replace(b'"precision": "int8"', b'"precision": "int4"'),
        "no precision": content.replace(b'"precision": "int8"', b'"precision": 8     '),
    }[damage]
    kept.write_bytes(broken)
    assert same_weights(load_quantized(folder, "int8", keep=keep), first)
    assert len(kept.read_bytes()) == len(content)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_another_version_rounded_is_rounded_anew(
    folder: Path, keep: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(quantized_files.FORMAT, precision, 0)
        load_quantized(folder, precision, keep=keep)
    (old,) = keep.iterdir()
    load_quantized(folder, precision, keep=keep)
    (new,) = keep.iterdir()
    assert new.name != old.name


def test_other_weights_are_quantised_anew_and_what_belongs_to_none_is_removed(
    folder: Path, keep: Path, tmp_path: Path
) -> None:
    copy, gone = tmp_path / "copy", tmp_path / "gone"
    shutil.copytree(folder, copy)
    shutil.copytree(folder, gone)
    first = load_quantized(copy, "int8", keep=keep)
    load_quantized(gone, "int4", keep=keep)
    shutil.rmtree(gone)
    other = GPT2(CONFIG)
    other.init_weights(torch.Generator().manual_seed(7))
    save_model(other, copy)
    again = load_quantized(copy, "int8", keep=keep)
    assert not same_weights(again, first)
    assert same_weights(again, quantize_model(other, "int8"))
    assert len(list(keep.iterdir())) == 1


def test_a_folder_that_cannot_be_written_costs_nothing_else(
    folder: Path, keep: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep.write_text("a file stands in its way")
    assert same_weights(load_quantized(folder, "int8", keep=keep), load_quantized(folder, "int8"))
    assert "cannot be kept" in caplog.text


def test_of_small_models_int4_is_kept(folder: Path, tmp_path: Path) -> None:
    load_quantized(folder, "int8", keep=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    load_quantized(folder, "int4", keep=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_a_cancelled_loading_keeps_nothing(folder: Path, keep: Path) -> None:
    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_quantized(folder, "int8", keep=keep, progress=cancel)
    assert not keep.exists()
    load_quantized(folder, "int8", keep=keep)
    with pytest.raises(KeyboardInterrupt):
        load_quantized(folder, "int8", keep=keep, progress=cancel)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_damaged_weights_are_refused(tmp_path: Path, precision: str, broken: float) -> None:
    model = GPT2(CONFIG)
    model.init_weights(torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.h[1].mlp.c_fc.weight[3, 5] = broken
    save_model(model, tmp_path)
    with pytest.raises(UserError, match=r"is damaged: transformer\.h\.1\.mlp\.c_fc\.weight holds values"):
        load_quantized(tmp_path, precision)
