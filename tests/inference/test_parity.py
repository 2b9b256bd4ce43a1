"""The check of a device, on the CPU: with sound weights, and with others than the device is said to compute with."""

import copy
import logging
from pathlib import Path

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2, Block
from gptdesk.inference import loading, torch_loading
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.engine import Engine
from gptdesk.inference.in_torch.parity import TOLERANCE, computes_correctly, expected_logits, parity_error
from tests.random_models import random_model

SHAPES = {
    "as usual": GPT2Config(vocab_size=1000, n_positions=64, n_embd=64, n_layer=4, n_head=4),
    "no bias, untied": GPT2Config(
        vocab_size=300, n_positions=20, n_embd=32, n_layer=2, n_head=1, bias=False, tie_word_embeddings=False
    ),
    "one of everything": GPT2Config(vocab_size=3, n_positions=1, n_embd=2, n_layer=1, n_head=1),
}


@pytest.fixture
def model() -> GPT2:
    return random_model(SHAPES["as usual"], std=0.3)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES.keys())
def test_a_sound_device_passes(config: GPT2Config, dtype: torch.dtype) -> None:
    assert computes_correctly(random_model(config, std=0.3).to(dtype))


def test_what_is_expected_is_what_the_network_computes(model: GPT2) -> None:
    expected = expected_logits(model)
    assert expected.shape == (12, 1000), "of the prompt's end and of each token after it"
    assert parity_error(model, expected) < 1e-6
    assert expected.dtype == torch.float32
    decoder = DeviceDecoder(model, graphs=False)
    assert 0 < parity_error(model, expected, decoder=decoder) < 1e-6


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("damage", ["attention", "layer norm", "head", "positions"])
def test_other_values_do_not_pass(model: GPT2, damage: str, dtype: torch.dtype) -> None:
    wrong = copy.deepcopy(model).to(dtype)
    block = wrong.h[1]
    assert isinstance(block, Block)
    with torch.no_grad():
        if damage == "attention":
            block.attn.c_proj.weight.zero_()
        elif damage == "layer norm":
            block.ln_2.weight.mul_(-1)
        elif damage == "head":
            wrong.lm_head.weight[500:] = 0
        else:
            wrong.wpe.weight.copy_(wrong.wpe.weight.roll(1, 0))
    assert parity_error(wrong, expected_logits(model)) > TOLERANCE[dtype]


def test_what_is_no_number_does_not_pass(model: GPT2) -> None:
    expected = expected_logits(model)
    with torch.no_grad():
        model.ln_f.weight[3] = float("nan")
    assert parity_error(model, expected) == float("inf")


def test_damaged_weights_are_not_the_devices_fault(model: GPT2) -> None:
    with torch.no_grad():
        model.ln_f.weight[3] = float("nan")
    assert computes_correctly(model)


# In an engine, for which this CPU stands in for a Mac's GPU


@pytest.fixture
def wrong_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first model that is loaded is computed wrongly."""
    answers = iter([False])
    monkeypatch.setattr(loading, "can_compile", lambda: False)
    monkeypatch.setattr(torch_loading, "can_compile", lambda: False)
    monkeypatch.setattr(torch_loading, "CHECKED_DEVICES", ("cpu",))
    monkeypatch.setattr(torch_loading, "computes_correctly", lambda model: next(answers, True))


@pytest.mark.usefixtures("wrong_device")
def test_whoever_asked_for_the_device_is_told(tiny_model_folder: Path) -> None:
    with pytest.raises(UserError, match=r"computes wrong values .*choose the device cpu"):
        Engine.load(tiny_model_folder, device="cpu")


@pytest.mark.usefixtures("wrong_device")
def test_auto_takes_the_cpu_instead(tiny_model_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Engine.load(tiny_model_folder, device="auto").device == "cpu"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "computes wrong values" in record.message
