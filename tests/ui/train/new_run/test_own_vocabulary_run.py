"""From the sheet to a completion: text, a vocabulary made from it, data, a run of two steps, and its checkpoint."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.training.data.datasets import describe_set
from gptdesk.training.data.vocabulary import BPE, Vocabulary
from gptdesk.training.detached import reap
from gptdesk.ui.services.inference_messages import State
from trainer.run_directory.state import read_state

from ...conftest import Opened
from .sheets import LONG, choose_preset, drop, kill, set_number

PROMPT = "Once upon a time"


@pytest.fixture
def ended(folders: Folders) -> Iterator[None]:
    """Ends what the test started and has not ended."""
    yield
    for record in (*folders.runs.glob("*/launch.json"), *(folders.data / "datasets").glob("*/.prepare.json")):
        kill(record)
    reap()


@pytest.mark.usefixtures("ended")
def test_a_vocabulary_that_the_sheet_made_writes_in_the_playground(
    open_window: Callable[..., Opened], tale: Path, qtbot: QtBot
) -> None:
    opened = open_window()
    opened.window.show_page("train")
    train = opened.window.train
    train.new_run()
    sheet = train.sheet
    choose_preset(sheet, "smoke")
    for key in ("schedule.steps", "run.checkpoint_interval", "run.eval_interval"):
        set_number(sheet, key, "2")
    sheet.data.vocabulary_card.kinds["bpe"].click()
    sheet.data.vocabulary_card.slider.setValue(0)
    drop(sheet, tale)
    qtbot.waitUntil(lambda: sheet.start.isEnabled() and sheet.start.text() == "Start training", timeout=LONG)
    data = describe_set(Path(sheet.draft.get("data.path")))
    assert data.vocabulary == Vocabulary(BPE, 512)
    with qtbot.waitSignal(sheet.started, timeout=LONG) as started:
        qtbot.mouseClick(sheet.start, Qt.MouseButton.LeftButton)
    run = started.args[0]
    qtbot.waitUntil(lambda: read_state(run).state == "finished", timeout=LONG)
    qtbot.waitUntil(lambda: train.current == run and train.why_not_open() is None, timeout=LONG)
    train.panel.samples.open.click()
    qtbot.waitUntil(lambda: run in Path(opened.services.settings.value.model).parents, timeout=LONG)
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=LONG)
    checkpoint = Path(opened.services.settings.value.model)
    tokenizer = load_tokenizer(checkpoint, read_config(checkpoint))
    assert (tokenizer.sha256, tokenizer.vocab_size) == (data.tokenizer.sha256, read_config(checkpoint).vocab_size)
    session = opened.window.session
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=8, seed=3))
    session.edit(0, 0, PROMPT)
    session.generate()
    qtbot.waitUntil(lambda: session.done is not None, timeout=LONG)
    written = session.document.runs[-1]
    ids = [token.id for token in written.tokens]
    assert max(ids) < tokenizer.vocab_size < 512
    expected = tokenizer.decode([*tokenizer.encode(PROMPT), *ids])[len(PROMPT) :]
    assert written.text.replace("\ufffd", "") == expected.replace("\ufffd", ""), "but for bytes that are no characters"
    assert written.origin is not None
    assert written.origin.tokenizer == tokenizer.sha256
