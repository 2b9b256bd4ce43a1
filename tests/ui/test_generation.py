"""Generation handles: several owners share one model, and each gets its own text and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.inference.engine import Engine
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import State

from .conftest import Opened

LONG = DecodingSettings(max_tokens=100_000, seed=1, logit_bias={50256: -100.0})
SHORT = DecodingSettings(max_tokens=8, seed=1)
UNKNOWN_TOKEN = DecodingSettings(max_tokens=8, logit_bias={60_000: 1.0})


class Owner(QObject):
    """Keeps everything that a generation tells it."""

    def __init__(self, inference: Inference, prompt: str, settings: DecodingSettings) -> None:
        super().__init__()
        self.text, self.tokens, self.ends = "", [], []
        self.models = []
        self.generation: Generation = inference.generate(prompt, settings, owner=self)
        self.generation.started.connect(lambda model: self.models.append(model.model))
        self.generation.tokens.connect(self._on_tokens)
        self.generation.finished.connect(self._on_finished)
        self.generation.failed.connect(lambda failure: self.ends.append(failure.sentence))

    def _on_tokens(self, events: list) -> None:
        self.tokens += [event.id for event in events]
        self.text += "".join(event.text for event in events)

    def _on_finished(self, results: tuple) -> None:
        self.text += "".join(done.tail for done in results)
        self.ends.append(results[0].finish_reason if results else "never started")


@pytest.fixture
def idle_inference(qtbot: QtBot) -> Iterator[Inference]:
    made = Inference(Path)
    made.start()
    yield made
    assert made.shut_down(600_000)


@pytest.fixture
def inference(idle_inference: Inference, qtbot: QtBot, tiny_model_folder: Path) -> Inference:
    """With the tiny model."""
    idle_inference.load(str(tiny_model_folder), device="cpu", precision="float32")
    qtbot.waitUntil(lambda: idle_inference.state is State.READY)
    return idle_inference


def alone(folder: Path, prompt: str, settings: DecodingSettings) -> str:
    engine = Engine.load(folder, device="cpu", precision="float32")
    return list(engine.generate(prompt, settings))[-1].text


def test_two_owners_at_the_same_time_get_exactly_the_texts_that_each_gets_alone(
    inference: Inference, qtbot: QtBot, tiny_model_folder: Path
) -> None:
    first = Owner(inference, "Once upon", DecodingSettings(max_tokens=30, seed=1))
    second = Owner(inference, "The sea", DecodingSettings(max_tokens=20, seed=2))
    qtbot.waitUntil(lambda: bool(first.ends and second.ends))
    assert first.ends == second.ends == ["length"]
    assert first.text == alone(tiny_model_folder, "Once upon", DecodingSettings(max_tokens=30, seed=1))
    assert second.text == alone(tiny_model_folder, "The sea", DecodingSettings(max_tokens=20, seed=2))
    assert (len(first.tokens), len(second.tokens)) == (30, 20)
    assert inference.state is State.READY


def test_generations_are_served_in_the_order_in_which_they_were_asked_for(inference: Inference, qtbot: QtBot) -> None:
    order: list[int] = []
    owners = [Owner(inference, "Once", SHORT) for _ in range(4)]
    for number, owner in enumerate(owners):
        owner.generation.finished.connect(lambda _, number=number: order.append(number))
    assert inference.queued == 3
    qtbot.waitUntil(lambda: len(order) == 4)
    assert order == [0, 1, 2, 3]


def test_cancelling_the_one_that_runs_leaves_the_other(inference: Inference, qtbot: QtBot) -> None:
    first, second = Owner(inference, "Once", LONG), Owner(inference, "Once", SHORT)
    qtbot.waitUntil(lambda: first.tokens != [])
    first.generation.cancel()
    assert inference.state is State.STOPPING
    qtbot.waitUntil(lambda: second.ends != [])
    assert first.ends == ["cancelled"]
    assert second.ends == ["length"]
    assert len(second.tokens) == 8


def test_cancelling_the_one_that_waits_leaves_the_other(inference: Inference, qtbot: QtBot) -> None:
    first, second = Owner(inference, "Once", LONG), Owner(inference, "Once", SHORT)
    qtbot.waitUntil(lambda: first.tokens != [])
    second.generation.cancel()
    assert second.ends == ["never started"]
    assert inference.queued == 0
    before = len(first.tokens)
    qtbot.waitUntil(lambda: len(first.tokens) > before)
    first.generation.cancel()
    qtbot.waitUntil(lambda: inference.state is State.READY)
    assert second.tokens == []


def test_one_that_is_cancelled_before_it_started_tells_so_once(inference: Inference) -> None:
    owner = Owner(inference, "Once", SHORT)
    owner.generation.cancel()
    owner.generation.cancel()
    assert owner.ends == ["never started"]
    assert inference.state is State.READY


def test_a_generation_that_fails_fails_its_owner_alone(inference: Inference, qtbot: QtBot) -> None:
    first, second = Owner(inference, "Once", UNKNOWN_TOKEN), Owner(inference, "Once", SHORT)
    qtbot.waitUntil(lambda: second.ends != [])
    assert "60000" in first.ends[0].replace(",", "")
    assert first.tokens == []
    assert second.ends == ["length"]


def test_an_owner_that_is_deleted_makes_room_for_the_next(inference: Inference, qtbot: QtBot) -> None:
    first, second, third = (Owner(inference, "Once", settings) for settings in (LONG, LONG, SHORT))
    qtbot.waitUntil(lambda: first.tokens != [])
    first.deleteLater()
    second.deleteLater()
    qtbot.waitUntil(lambda: third.ends == ["length"])
    assert second.tokens == []


def test_a_generation_waits_for_the_model_that_is_being_loaded(
    idle_inference: Inference, qtbot: QtBot, tiny_model_folder: Path
) -> None:
    with pytest.raises(UserError, match="No model is loaded"):
        Owner(idle_inference, "Once", SHORT)
    idle_inference.load(str(tiny_model_folder), device="cpu", precision="float32")
    owner = Owner(idle_inference, "Once", SHORT)
    assert owner.generation.queued
    owner.generation.settings = DecodingSettings(max_tokens=3)  # changed before its turn came
    qtbot.waitUntil(lambda: owner.ends == ["length"])
    assert len(owner.tokens) == 3


def test_loading_another_model_cancels_the_one_that_runs_and_the_one_that_waits_gets_the_new_model(
    inference: Inference, qtbot: QtBot, tiny_model_folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_model_folder, tmp_path / "other")
    first, second = Owner(inference, "Once", LONG), Owner(inference, "Once", SHORT)
    qtbot.waitUntil(lambda: first.tokens != [])
    inference.load(str(other), device="cpu", precision="float32")
    qtbot.waitUntil(lambda: second.ends == ["length"])
    assert first.ends == ["cancelled"]
    assert (first.models, second.models) == ([str(tiny_model_folder)], [str(other)])


def test_one_that_was_about_to_start_when_another_model_was_chosen_gets_that(
    inference: Inference, qtbot: QtBot, tiny_model_folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_model_folder, tmp_path / "other")
    owner = Owner(inference, "Once", SHORT)
    inference.load(str(other), device="cpu", precision="float32")
    qtbot.waitUntil(lambda: owner.ends == ["length"])
    assert owner.models == [str(other)]


def test_where_loading_fails_those_that_wait_fail(inference: Inference, qtbot: QtBot) -> None:
    inference.load("/nowhere", device="cpu", precision="float32")
    owner = Owner(inference, "Once", SHORT)
    with qtbot.waitSignal(inference.load_failed):
        pass
    qtbot.waitUntil(lambda: owner.ends != [])
    assert "No model is loaded" in owner.ends[0]
    assert inference.state is State.EMPTY


def test_unloading_the_model_fails_those_that_wait(inference: Inference, qtbot: QtBot) -> None:
    first, second = Owner(inference, "Once", LONG), Owner(inference, "Once", SHORT)
    qtbot.waitUntil(lambda: first.tokens != [])
    inference.unload()
    assert "No model is loaded" in second.ends[0]
    qtbot.waitUntil(lambda: first.ends == ["cancelled"])
    assert inference.state is State.EMPTY


def test_ending_gptdesk_cancels_all(inference: Inference, qtbot: QtBot) -> None:
    first, second = Owner(inference, "Once", LONG), Owner(inference, "Once", LONG)
    qtbot.waitUntil(lambda: first.tokens != [])
    assert inference.shut_down(600_000)
    assert second.ends == ["never started"]


def test_the_playground_gets_nothing_of_anothers_generation(opened: Opened, qtbot: QtBot) -> None:
    session, inference = opened.window.session, opened.services.inference
    opened.services.settings.update(decoding=SHORT)
    session.edit(0, 0, "Once")
    notices: list[str] = []
    session.notice.connect(notices.append)
    other = Owner(inference, "word " * 200, SHORT)  # longer than the context, which a notice says
    at_its_end: list[object] = []
    other.generation.finished.connect(lambda _: at_its_end.append((session.document.text, session.done)))
    session.generate()
    assert session.waiting == "generate"
    qtbot.waitUntil(lambda: other.ends != [])
    assert at_its_end == [("Once", None)]
    qtbot.waitUntil(lambda: session.done is not None)
    assert len(session.document.runs[-1].tokens) == 8
    assert notices == []


def test_stopping_the_playground_leaves_anothers_generation(opened: Opened, qtbot: QtBot) -> None:
    session = opened.window.session
    other = Owner(opened.services.inference, "Once", LONG)
    qtbot.waitUntil(lambda: other.tokens != [])
    session.stop()
    session.edit(0, 0, "typed")
    session.generate()
    assert session.busy
    session.stop()
    assert not session.busy
    assert not other.generation.cancelled
    before = len(other.tokens)
    qtbot.waitUntil(lambda: len(other.tokens) > before)


def test_opening_another_document_leaves_anothers_generation_and_no_figures(opened: Opened, qtbot: QtBot) -> None:
    session = opened.window.session
    opened.services.settings.update(decoding=LONG)
    session.edit(0, 0, "Once")
    session.generate()
    qtbot.waitUntil(lambda: len(session.document.text) > len("Once"))
    other = Owner(opened.services.inference, "Once", SHORT)
    session.open(Document())
    qtbot.waitUntil(lambda: other.ends == ["length"])
    assert session.document.text == ""
    assert session.done is None
    assert opened.window.status.figures.text() == ""
