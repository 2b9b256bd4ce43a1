"""Variants of GPT-2 to and fro between transformers and us: files, configs, gradients."""

from pathlib import Path

import pytest
import torch
import transformers

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import left_out, stored_name
from tests.gpt2_variants import SHAPE, VARIANTS, variant, variant_folder, variant_ids, variant_logits


@pytest.mark.parametrize("name", VARIANTS)
def test_what_we_save_transformers_computes_the_same_with(name: str, tmp_path: Path) -> None:
    model = load_model(variant_folder(name, tmp_path / "theirs"))
    save_model(model, tmp_path / "ours")
    assert load_model(tmp_path / "ours").config == model.config
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours").eval()
    for key, value in VARIANTS[name].items():
        assert getattr(theirs.config, key) == value
    with torch.inference_mode():
        logits = theirs(torch.tensor([variant_ids()])).logits[0]
    torch.testing.assert_close(logits, variant_logits(name), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["gelu", "relu", "silu", "unscaled attention", "Mistral's, with upcast attention"])
def test_gradients_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    reference, model = variant(name), load_model(variant_folder(name, tmp_path))
    ids = torch.tensor([variant_ids()])
    reference(ids, labels=ids).loss.backward()
    model.train().loss(ids[:, :-1], ids[:, 1:]).backward()
    theirs = dict(reference.named_parameters())
    for key, weight in model.named_parameters():
        gradient = theirs[stored_name(key)].grad
        assert gradient is not None
        assert weight.grad is not None
        same = gradient.t() if gradient.dim() == 2 and key.startswith("h.") else gradient
        torch.testing.assert_close(weight.grad, same, atol=1e-5, rtol=1e-3, msg=key)


def test_of_double_heads_the_language_model_is_used_and_the_rest_is_named(tmp_path: Path) -> None:
    folder = variant_folder("gelu_new", tmp_path, transformers.GPT2DoubleHeadsModel)
    assert left_out(folder) == "multiple_choice_head"
    reference = transformers.GPT2DoubleHeadsModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = reference(torch.tensor([variant_ids()])).logits[0]
        logits = load_model(folder)(torch.tensor([variant_ids()]))[0]
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)


def test_nothing_is_left_out_of_a_language_model(tmp_path: Path) -> None:
    assert left_out(variant_folder("gelu_new", tmp_path)) == ""


@pytest.mark.parametrize(
    ("kind", "tensor"),
    [(transformers.GPT2ForSequenceClassification, "score"), (transformers.GPT2ForTokenClassification, "classifier")],
)
def test_a_model_that_classifies_is_refused(kind: type, tensor: str, tmp_path: Path) -> None:
    folder = variant_folder("gelu_new", tmp_path, kind)
    with pytest.raises(UserError, match=f"not a GPT-2 language model's: {tensor}"):
        load_model(folder)


def test_the_scale_of_scores_is_that_of_the_layer() -> None:
    config = GPT2Config(**SHAPE | {"n_embd": 32})
    assert [config.attention_scale(layer) for layer in range(3)] == [0.25] * 3
    by_layer = GPT2Config(**SHAPE | {"n_embd": 32}, scale_attn_by_inverse_layer_idx=True)
    assert [by_layer.attention_scale(layer) for layer in range(3)] == [0.25, 0.125, 0.25 / 3]
    plain = GPT2Config(**SHAPE, scale_attn_weights=False)
    assert plain.attention_scale(2) == 1.0


def test_an_unknown_activation_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"uses the activation 'mish'; supported are gelu_new, .*, silu, swish\.$"):
        GPT2Config(activation_function="mish")
