"""Tiny replicas of the known relatives of GPT-2, in the form that each has on the hub: from import to text."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
import torch

from gptdesk.folders import Folders
from gptdesk.gpt2.layout import read_config
from gptdesk.inference.engine import Engine
from gptdesk.inference.events import TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.import_ import import_model
from tests.gpt2.tokenizers.folders import make_folder

SHAPE: Final = {"n_positions": 64, "n_embd": 24, "n_layer": 3, "n_head": 2}

REPLICAS: Final[dict[str, dict[str, Any]]] = {
    "Cerebras-GPT": {
        "tokenizer": "gpt2",
        "config": {"activation_function": "gelu", "n_inner": 96, "attn_pdrop": 0.0},
        "weights": "pickle",
    },
    "DialoGPT": {"tokenizer": "gpt2", "config": {"architectures": ["GPT2LMHeadModel"]}, "weights": "half pickle"},
    "Stanford's": {
        "tokenizer": "gpt2",
        "config": {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True, "use_cache": False},
        "weights": "half pickle",
    },
    "German": {"tokenizer": "own", "config": {}, "weights": "safetensors"},
    "French": {"tokenizer": "pair", "config": {"bos_token_id": 0, "eos_token_id": 2}, "weights": "pickle"},
    "Chinese": {"tokenizer": "word_pieces", "config": {"tokenizer_class": "BertTokenizer"}, "weights": "pickle"},
}


def make_replica(folder: Path, name: str) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    replica = REPLICAS[name]
    make_folder(folder, replica["tokenizer"])
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    config = {"model_type": "gpt2", "vocab_size": size, **SHAPE, **replica["config"]}
    model = GPT2LMHeadModel(GPT2Config(**config))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter_name, weight in model.named_parameters():
            weight.normal_(mean=float("ln_" in parameter_name), std=0.2, generator=generator)
    if replica["weights"] == "safetensors":
        model.save_pretrained(folder)
    else:
        state = (model.half() if replica["weights"] == "half pickle" else model).state_dict()
        masks = {f"transformer.h.{i}.attn.bias": torch.ones(1, 1, 64, 64, dtype=torch.uint8) for i in range(3)}
        torch.save({**state, **masks}, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_is_imported_and_writes_what_transformers_writes(name: str, folders: Folders, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GPT2LMHeadModel

    source = make_replica(tmp_path / "source", name)
    entry = import_model(folders, source)
    assert entry.path is not None
    for key, value in REPLICAS[name]["config"].items():
        assert getattr(read_config(entry.path), key, value) == value
    engine = Engine.load(entry.path, device="cpu", precision="float32", threads=1)
    theirs = AutoTokenizer.from_pretrained(source)
    model = GPT2LMHeadModel.from_pretrained(source, dtype=torch.float32, attn_implementation="eager").eval()
    text = "Es war einmal, 我能吞下玻璃, once upon a time"
    ids = theirs(text, add_special_tokens=False)["input_ids"]
    assert engine.tokenizer.encode(text) == ids
    settings = DecodingSettings(temperature=0.0, max_tokens=8)
    written = [event.id for event in engine.generate(text, settings) if isinstance(event, TokenEvent)]
    assert written
    with torch.inference_mode():
        for position in range(len(written)):
            logits = model(torch.tensor([[*ids, *written[:position]]])).logits[0, -1]
            assert logits[written[position]] >= logits.max() - 1e-3
