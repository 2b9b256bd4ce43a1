"""A small prepared data set and configurations that train on it in a blink."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.config.schema import TrainConfig, build_config
from trainer.config.values import merge
from trainer.data.arrays import TOKENS, VERSION, ArrayFile
from trainer.data.manifest import MANIFEST
from trainer.prepare import Request, prepare
from trainer.prepare.tokenizer_training.train import BYTE, TokenizerRequest, make_tokenizer


def write_data(folder: Path, *, train: np.ndarray, val: np.ndarray) -> Path:
    """A prepared folder that holds these token ids."""
    folder.mkdir(parents=True)
    splits = {}
    for name, tokens in (("train", train), ("val", val)):
        file = ArrayFile(folder / f"{name}-00000.bin", TOKENS)
        file.write(tokens)
        shard = {**file.close(tokens.size), "tokens": int(tokens.size), "documents": 1}
        splits[name] = {"documents": 1, "tokens": int(tokens.size), "shards": [shard]}
    (folder / MANIFEST).write_text(json.dumps({"version": VERSION, "splits": splits}))
    return folder


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 training tokens of a simple pattern with noise, and 300 for validation."""
    rng = np.random.default_rng(0)
    tokens = (np.cumsum(rng.integers(1, 4, 2_300)) * 7) % 400
    return write_data(tmp_path_factory.mktemp("data") / "prepared", train=tokens[:2_000], val=tokens[2_000:])


@pytest.fixture(scope="session")
def own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 3,000 tokens of text in a vocabulary of bytes, prepared with it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "text.txt").write_text("".join(f"The mill turned {i} times.\n" for i in range(120)), encoding="utf-8")
    make_tokenizer(TokenizerRequest(kind=BYTE), folder / "bytes")
    request = Request(sources=(str(folder / "text.txt"),), tokenizer_folder=str(folder / "bytes"))
    prepare(request, folder / "prepared")
    return folder / "prepared"


@pytest.fixture
def make_config(data_folder: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """Builds the configuration of a tiny run in ``tmp_path / run``, with nested values over it."""

    def make(**over: Any) -> TrainConfig:
        values = {
            "model": {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 16},
            "data": {"path": str(data_folder), "batch_size": 4, "micro_batch_size": 4},
            "optim": {"learning_rate": 1e-2},
            "schedule": {"steps": 8, "warmup_steps": 2},
            "run": {
                "folder": str(tmp_path / "run"),
                "device": "cpu",
                "precision": "float32",
                "compile": "off",
                "threads": 1,
                "log_interval": 1,
                "eval_interval": 4,
                "eval_tokens": 64,
                "checkpoint_interval": 4,
                "sample_tokens": 0,
            },
        }
        return build_config(merge(values, over))

    return make
