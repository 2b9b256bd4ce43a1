"""Several engines within a budget, shared by sessions: what is loaded, who has a turn, what is left in the end."""

import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import read_config
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.memory import memory_needed
from gptdesk.ui.services.engines.lease import EngineLease
from gptdesk.ui.services.engines.plan import EngineChoice
from gptdesk.ui.services.engines.session import EngineSession
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import State
from tests.ui.test_generation import LONG, SHORT, Owner, alone


@pytest.fixture
def folders(tiny_model_folder: Path, tmp_path: Path) -> list[Path]:
    """Three models of the same size."""
    return [Path(shutil.copytree(tiny_model_folder, tmp_path / name)) for name in "abc"]


@pytest.fixture
def inference(qtbot: QtBot, tiny_model_folder: Path) -> Iterator[Inference]:
    """Nothing is loaded yet."""
    made = Inference(Path)
    made.start()
    yield made
    assert made.shut_down(600_000)
    made.deleteLater()


@pytest.fixture
def one(tiny_model_folder: Path) -> int:
    """Bytes that one of the models takes."""
    return memory_needed(read_config(tiny_model_folder), "float32")


@pytest.fixture
def load(inference: Inference, qtbot: QtBot) -> Callable[..., EngineSession]:
    """Has a session, a new one if none is given, load a model; waits for it unless it is told not to."""

    def load(folder: Path, session: EngineSession | None = None, *, wait: bool = True) -> EngineSession:
        made = session if session is not None else EngineSession(inference.engines, inference)
        made.load(str(folder), device="cpu", precision="float32")
        if wait:
            qtbot.waitUntil(lambda: made.state is State.READY)
        return made

    return load


def choice(folder: Path) -> EngineChoice:
    return EngineChoice(str(folder), "cpu", "float32")


def loaded(inference: Inference) -> set[str]:
    return {engine.folder.name for engine in inference.engines.engines}


def network_of(session: EngineSession) -> Any:
    """A weak reference to its engine's network."""
    assert session._host is not None
    assert session._host.worker._engine is not None
    return weakref.ref(session._host.worker._engine.network)


def test_two_sessions_write_with_models_of_their_own_as_if_alone(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    first, second = load(folders[0], inference), load(folders[1])
    settings = [DecodingSettings(max_tokens=20, seed=seed) for seed in (1, 2)]
    owners = [Owner(first, "Once", settings[0]), Owner(second, "The sea", settings[1])]
    assert not first.queued
    assert not second.queued, "one generation at a time per engine, and there are two engines"
    qtbot.waitUntil(lambda: all(owner.ends for owner in owners))
    assert owners[0].text == alone(folders[0], "Once", settings[0])
    assert owners[1].text == alone(folders[1], "The sea", settings[1])
    assert loaded(inference) == {"a", "b"}


def test_loading_in_one_session_leaves_the_generation_of_another(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    owner = Owner(load(folders[0], inference), "Once", LONG)
    qtbot.waitUntil(lambda: owner.tokens != [])
    load(folders[1])
    before = len(owner.tokens)
    qtbot.waitUntil(lambda: len(owner.tokens) > before)
    assert owner.ends == []


def test_the_least_recently_used_is_unloaded_and_comes_back_when_it_is_needed(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], one: int, qtbot: QtBot
) -> None:
    inference.engines.set_budget(2 * one)
    first, second = load(folders[0], inference), load(folders[1])
    used = Owner(first, "Once", SHORT)
    qtbot.waitUntil(lambda: used.ends != [])
    network = network_of(second)
    load(folders[2])
    assert loaded(inference) == {"a", "c"}
    assert (second.state, second.info) == (State.EMPTY, None)
    qtbot.waitUntil(lambda: network() is None)
    again = Owner(second, "Once", SHORT)
    qtbot.waitUntil(lambda: again.ends == ["length"])
    assert loaded(inference) == {"b", "c"}
    first.wake()
    qtbot.waitUntil(lambda: first.state is State.READY)


def test_a_pinned_engine_stays_though_it_was_used_least_and_nobody_uses_it(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], one: int, qtbot: QtBot
) -> None:
    inference.engines.set_budget(2 * one)
    inference.engines.set_pins([str(folders[0])])
    first = load(folders[0], inference)
    load(folders[1])
    load(folders[2])
    assert loaded(inference) == {"a", "c"}
    first.release()
    assert loaded(inference) == {"a", "c"}
    inference.engines.set_pins([])
    assert loaded(inference) == {"c"}


def test_nothing_is_unloaded_while_somebody_generates_with_it(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], one: int, qtbot: QtBot
) -> None:
    inference.engines.set_budget(one)
    owner = Owner(load(folders[0], inference), "Once", LONG)
    qtbot.waitUntil(lambda: owner.tokens != [])
    second = load(folders[1], wait=False)
    before = len(owner.tokens)
    qtbot.waitUntil(lambda: len(owner.tokens) > before + 50)
    assert second.state is State.LOADING
    owner.generation.cancel()
    qtbot.waitUntil(lambda: second.state is State.READY)
    assert loaded(inference) == {"b"}


def test_a_model_that_never_fits_is_refused_and_nothing_is_unloaded_for_it(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], one: int, qtbot: QtBot
) -> None:
    load(folders[0], inference)
    inference.engines.set_budget(one // 2)
    lease = inference.lease(choice(folders[1]), inference)
    with qtbot.waitSignal(lease.refused) as refused:
        pass
    sentence = refused.args[0].sentence
    assert f"needs {one / 1e6:.0f} MB of memory, and models may take {one // 2 / 1e6:.0f} MB" in sentence
    assert loaded(inference) == {"a"}


def test_sessions_that_share_an_engine_take_turns(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    first, second = load(folders[0], inference), load(folders[0])
    assert len(inference.engines.engines) == 1
    order: list[str] = []
    owners = [Owner(session, "Once", SHORT) for session in (first, first, first, second, second)]
    for name, owner in zip(("a1", "a2", "a3", "b1", "b2"), owners, strict=True):
        owner.generation.finished.connect(lambda _, name=name: order.append(name))
    assert (first.queued, second.queued) == (2, 2)
    assert (first.state, second.state) == (State.GENERATING, State.READY)
    qtbot.waitUntil(lambda: len(order) == 5)
    assert order == ["a1", "b1", "a2", "b2", "a3"]


def test_one_that_is_cancelled_before_it_starts_gives_its_turn_to_the_other_session(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    first, second = load(folders[0], inference), load(folders[0])
    owners = [Owner(session, "Once", SHORT) for session in (first, second)]
    owners[0].generation.cancel()
    assert owners[0].ends == ["never started"]
    qtbot.waitUntil(lambda: owners[1].ends == ["length"])


def test_one_that_chooses_another_model_before_it_starts_gives_its_turn_to_the_other_session(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    first, second = load(folders[0], inference), load(folders[0])
    owners = [Owner(session, "Once", SHORT) for session in (first, second)]
    load(folders[1], first, wait=False)
    qtbot.waitUntil(lambda: all(owner.ends == ["length"] for owner in owners))
    assert [Path(owner.models[0]).name for owner in owners] == ["b", "a"]


def test_a_session_that_is_deleted_gives_its_memory_back(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    load(folders[0], inference)
    second = load(folders[1])
    network, owner, waiting = network_of(second), Owner(second, "Once", LONG), Owner(second, "Once", LONG)
    qtbot.waitUntil(lambda: owner.tokens != [])
    second.deleteLater()
    qtbot.waitUntil(lambda: network() is None)
    qtbot.waitUntil(lambda: owner.ends == ["cancelled"])
    assert "No model is loaded" in waiting.ends[0]
    assert loaded(inference) == {"a"}


def test_the_engine_of_files_that_have_changed_is_not_shared(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    load(folders[0], inference)
    weights = folders[0] / "model.safetensors"
    shutil.copy(weights, folders[0] / "new")
    (folders[0] / "new").replace(weights)
    load(folders[0])
    assert len(inference.engines.engines) == 2


def test_cancelling_the_load_of_one_session_leaves_that_of_another(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    first, second = load(folders[0], inference, wait=False), load(folders[0], wait=False)
    failures: list[str] = []
    first.load_failed.connect(lambda failure: failures.append(failure.sentence))
    first.cancel_load()
    qtbot.waitUntil(lambda: second.state is State.READY)
    assert failures == [""]
    assert first.state is State.EMPTY


def test_unloading_unloads_for_everybody_and_nobody_loads_it_again(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    first, second = load(folders[0], inference), load(folders[0])
    owner = Owner(second, "Once", LONG)
    qtbot.waitUntil(lambda: owner.tokens != [])
    network = network_of(second)
    inference.engines.unload(str(folders[0]))
    qtbot.waitUntil(lambda: owner.ends == ["cancelled"])
    qtbot.waitUntil(lambda: network() is None)
    assert (first.state, second.state) == (State.EMPTY, State.EMPTY)
    first.wake()
    assert first.state is State.EMPTY


def test_a_text_is_read_ahead_only_while_no_engine_generates(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    load(folders[0], inference)
    owner = Owner(load(folders[1]), "Once", LONG)
    qtbot.waitUntil(lambda: owner.tokens != [])
    inference.reads.read_text("Once upon a time")
    assert not inference.reads.busy
    with qtbot.waitSignal(inference.reads.read):
        owner.generation.cancel()


def test_a_lease_loads_writes_and_ends_with_its_owner(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], qtbot: QtBot
) -> None:
    load(folders[0], inference)
    page, told = QObject(inference), []
    lease: EngineLease = inference.lease(choice(folders[1]), page)
    lease.loaded.connect(lambda info: told.append(info.name))
    lease.released.connect(lambda: told.append("released"))
    owner = Owner(lease, "Once", SHORT)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: owner.ends == ["length"])
    assert told == ["b"]
    assert loaded(inference) == {"a", "b"}
    network = network_of(lease._session)
    page.deleteLater()
    qtbot.waitUntil(lambda: network() is None)
    assert loaded(inference) == {"a"}


def test_a_lease_that_was_lost_says_so_and_refuses_to_write(
    inference: Inference, load: Callable[..., EngineSession], folders: list[Path], one: int, qtbot: QtBot
) -> None:
    inference.engines.set_budget(one)
    lease = inference.lease(choice(folders[0]), inference)
    with qtbot.waitSignal(lease.loaded):
        pass
    with qtbot.waitSignal(lease.released):
        load(folders[1], inference, wait=False)
    with pytest.raises(UserError, match="not loaded any more"):
        lease.generate("Once", SHORT, owner=inference)
    qtbot.waitUntil(lambda: inference.state is State.READY)
    assert loaded(inference) == {"b"}
