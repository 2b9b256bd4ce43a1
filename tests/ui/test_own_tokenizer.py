"""A model with tokens of its own in the window: it counts, writes and keeps them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import State
from tests.gpt2.tokenizers.folders import make_folder
from tests.hub_server import Hub

from .conftest import Opened
from .test_models_page import Shown
from .test_playground import generate, type_text

TEXT = "Once upon a time"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A Chinese GPT-2 has BERT's tokens: words and parts of words, and no spaces among them."""
    folder = make_folder(tmp_path / "pieces", "word_pieces")
    config = GPT2Config(vocab_size=read_config(folder).vocab_size, n_positions=64, n_embd=8, n_layer=1, n_head=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        save_model(GPT2(config), folder)
    return folder


def test_the_window_counts_writes_and_keeps_a_models_own_tokens(
    open_window: Callable[..., Opened], qtbot: QtBot, model: Path
) -> None:
    tokenizer = load_tokenizer(model, read_config(model))
    opened = open_window(str(model))
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    session = opened.window.session
    opened.services.settings.update(decoding=replace(DecodingSettings(), max_tokens=12, seed=3))
    type_text(opened, TEXT)
    expected = f"{len(tokenizer.encode(TEXT))} of 64 tokens of context"
    qtbot.waitUntil(lambda: opened.window.status.tokens.text() == expected, timeout=600_000)
    generate(opened, qtbot)
    written = session.document.runs[-1]
    ids = [token.id for token in written.tokens]
    assert written.text == tokenizer.decode([*tokenizer.encode(TEXT), *ids])[len(TEXT) :]
    assert written.origin is not None
    assert written.origin.tokenizer == tokenizer.sha256
    assert tokenizer.name in opened.window.chooser.toolTip()
    assert "assumed" not in opened.window.chooser.toolTip()


def test_a_model_without_a_tokenizer_says_that_openais_is_assumed(opened: Opened) -> None:
    assert "assumed: its folder has none" in opened.window.chooser.toolTip()


def test_a_downloaded_model_writes_with_its_own_tokens(
    opened: Opened, qtbot: QtBot, hub: Hub, model: Path, folders: Folders
) -> None:
    """From the hub to the text: the tokenizer's files come with the model, and the window uses them."""
    hub.add("someone/pieces", model)
    expected = load_tokenizer(model, read_config(model))
    shown = Shown(opened, qtbot)
    shown.get("someone/pieces")
    shown.wait(lambda: shown.has("pieces"))
    shown.press("pieces")
    shown.wait(lambda: opened.state is State.READY and opened.services.inference.info.name == "pieces")
    assert opened.services.inference.info.tokenizer.sha256 == expected.sha256
    opened.services.settings.update(decoding=replace(DecodingSettings(), max_tokens=12, seed=3))
    type_text(opened, TEXT)
    generate(opened, qtbot)
    written = opened.window.session.document.runs[-1]
    assert written.generated
    assert written.origin.tokenizer == expected.sha256
    ids = [*expected.encode(TEXT), *(token.id for token in written.tokens)]
    assert written.mixed.spelled == expected.decode(ids)[len(TEXT) :]
    counted = len(expected.encode(opened.window.session.document.text))  # which may differ from what was generated
    qtbot.waitUntil(lambda: opened.window.status.tokens.text() == f"{counted} of 64 tokens of context")
