"""Small models to compare: two of GPT-2's vocabulary and one of its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gptdesk.compare.columns import Column
from gptdesk.compare.comparison import Comparison
from gptdesk.compare.engines import loader
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.gpt2.tokenizers.folders import make_folder
from tests.random_models import save_peaked
from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture

NewColumn = Callable[..., Column]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by name: "one" and "two" have one vocabulary, "own" another."""
    folder = tmp_path_factory.mktemp("models")
    config = GPT2Config(n_layer=1, n_head=2, n_embd=16, n_positions=64)
    own = make_folder(folder / "own", "own")
    small = replace(config, vocab_size=read_config(own).vocab_size)
    return {
        "one": save_peaked(config, folder / "one", 1),
        "two": save_peaked(config, folder / "two", 2),
        "own": save_peaked(small, own, 3),
    }


@pytest.fixture
def column(models: dict[str, Path]) -> NewColumn:
    """Makes a column of a model by its name; further arguments are decoding settings."""

    def make(name: str, label: str = "", precision: str = "float32", **settings: Any) -> Column:
        folder = models[name]
        return Column(
            label=label or name,
            model=name,
            folder=folder,
            config=read_config(folder),
            settings=DecodingSettings(**{"max_tokens": 12, **settings}),
            device="cpu",
            precision=precision,
        )

    return make


def compared(*columns: Column, prompts: tuple[str, ...] = ("Once upon a time",), **options: Any) -> Comparison:
    """A comparison that has run to its end."""
    comparison = Comparison(columns, prompts, seed=5, load=loader(None), **options)
    for _ in comparison.run():
        pass
    return comparison
