"""The shape of a model: what is refused, and what is read from and written to config.json."""

import json
import subprocess
import sys
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.gpt2.activations import ACTIVATIONS
from gptdesk.gpt2.config import OPENAI_SIZES, GPT2Config
from gptdesk.gpt2.model import GPT2

SHAPE: dict[str, Any] = {"vocab_size": 11, "n_positions": 8, "n_embd": 6, "n_layer": 2, "n_head": 3}
JSON: dict[str, Any] = {"model_type": "gpt2", **SHAPE}

sizes = st.fixed_dictionaries(
    {"n_embd": st.just(8), "n_head": st.sampled_from([1, 2, 4]), "n_layer": st.integers(1, 3)},
    optional={
        "vocab_size": st.integers(1, 100),
        "n_positions": st.integers(1, 100),
        "n_inner": st.none() | st.integers(1, 50),
        "layer_norm_epsilon": st.floats(1e-12, 0.1),
        "bias": st.booleans(),
        "tie_word_embeddings": st.booleans(),
        "activation_function": st.sampled_from([name for one in ACTIVATIONS for name in one.names]),
        "scale_attn_weights": st.booleans(),
        "scale_attn_by_inverse_layer_idx": st.booleans(),
        "reorder_and_upcast_attn": st.booleans(),
    },
)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("gpt2", 124439808), ("gpt2-medium", 354823168), ("gpt2-large", 774030080), ("gpt2-xl", 1557611200)],
)
def test_openai_sizes(name: str, parameters: int) -> None:
    config = OPENAI_SIZES[name]
    assert config.num_parameters() == parameters
    assert config.head_size == 64


@given(sizes)
def test_parameters_are_counted(values: dict[str, Any]) -> None:
    config = GPT2Config(**values)
    with torch.device("meta"):
        model = GPT2(config)
    assert config.num_parameters() == sum(weight.numel() for weight in model.parameters())


@given(sizes)
def test_config_survives_json(values: dict[str, Any]) -> None:
    config = GPT2Config(**values)
    assert GPT2Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_transformers_reads_what_we_write() -> None:
    reference = transformers.GPT2Config(**GPT2Config(n_inner=100).to_json())
    assert (reference.n_inner, reference.vocab_size, reference.bos_token_id) == (100, 50257, 50256)
    assert reference.activation_function == "gelu_new"


def test_we_read_what_transformers_writes() -> None:
    assert GPT2Config.from_json(transformers.GPT2Config().to_dict()) == OPENAI_SIZES["gpt2"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vocab_size", 0),
        ("vocab_size", 10**30),
        ("n_positions", -1),
        ("n_embd", 7),
        ("n_embd", True),
        ("n_embd", 6.0),
        ("n_layer", None),
        ("n_layer", "2"),
        ("n_head", 4),
        ("n_inner", 0),
        ("n_inner", True),
        ("n_inner", [1]),
        ("layer_norm_epsilon", 0),
        ("layer_norm_epsilon", float("nan")),
        ("layer_norm_epsilon", "1e-5"),
        ("layer_norm_epsilon", True),
        ("bias", 1),
        ("tie_word_embeddings", "yes"),
        ("activation_function", "mish"),
        ("activation_function", ["gelu_new"]),
        ("activation_function", None),
        ("scale_attn_weights", 0),
        ("scale_attn_by_inverse_layer_idx", "yes"),
        ("reorder_and_upcast_attn", None),
        ("add_cross_attention", True),
        ("model_type", "llama"),
        ("model_type", None),
    ],
)
def test_what_we_would_compute_wrongly_is_refused(name: str, value: Any) -> None:
    assert GPT2Config.from_json(JSON).n_embd == 6
    with pytest.raises(UserError, match=r"^[A-Z_a-z].*\.$"):
        GPT2Config.from_json(JSON | {name: value})


@pytest.mark.parametrize("name", SHAPE)
def test_missing_numbers_are_named(name: str) -> None:
    with pytest.raises(UserError, match=f"lacks {name}"):
        GPT2Config.from_json({key: value for key, value in JSON.items() if key != name})


@pytest.mark.parametrize("values", [[], "gpt2", 3, None, True])
def test_only_an_object_is_a_config(values: Any) -> None:
    with pytest.raises(UserError, match="one JSON object"):
        GPT2Config.from_json(values)


@pytest.mark.parametrize(("size", "padded"), [(50257, 50304), (50304, 50304), (1, 64)])
def test_padding(size: int, padded: int) -> None:
    assert GPT2Config(vocab_size=size).padded_to(64).vocab_size == padded


def test_import_needs_no_torch() -> None:
    code = "import sys, gptdesk.gpt2.config, gptdesk.gpt2.layout; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
