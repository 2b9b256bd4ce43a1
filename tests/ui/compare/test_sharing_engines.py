"""Columns use the engines of the pool: those of pages, in turns, within the memory budget."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.layout import read_config
from gptdesk.inference.engine import Engine
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.memory import memory_needed
from gptdesk.ui.services.inference_messages import State
from tests.ui.compare.conftest import CompareDriver
from tests.ui.test_generation import LONG, SHORT, Owner


def loaded(compare: CompareDriver) -> list[str]:
    return sorted(engine.folder.name for engine in compare.opened.services.inference.engines.engines)


def test_a_model_that_the_playground_has_is_not_loaded_again(
    compare: CompareDriver, two_models: tuple[Path, Path], tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare.qtbot.waitUntil(lambda: compare.opened.state is State.READY)
    folders: list[str] = []
    whole = Engine.load

    def counting(folder: Path, **options: object) -> Engine:
        folders.append(folder.name)
        return whole(folder, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "load", counting)
    compare.choose(tiny_model_folder, two_models[0], tiny_model_folder)
    compare.run()
    assert compare.texts[0] == compare.texts[2] != ""
    assert folders == ["one"]
    compare.qtbot.waitUntil(lambda: loaded(compare) == [tiny_model_folder.name])


def test_the_playground_and_a_column_take_turns_on_their_model(
    compare: CompareDriver, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: compare.opened.state is State.READY)
    compare.choose(tiny_model_folder, tiny_model_folder)
    compare.run()
    alone, first = compare.texts, compare.service.results
    writing = Owner(compare.opened.services.inference, "Once", LONG)
    qtbot.waitUntil(lambda: writing.tokens != [])
    assert compare.opened.window.commands.run("compare.run")
    qtbot.waitUntil(lambda: compare.service.results is not first)
    before = len(writing.tokens)
    qtbot.waitUntil(lambda: len(writing.tokens) > before)
    assert not compare.service.results.cells
    writing.generation.cancel()
    compare.wait()
    assert compare.texts == alone
    after = Owner(compare.opened.services.inference, "Once", SHORT)
    qtbot.waitUntil(lambda: after.ends == ["length"])


def test_models_that_do_not_fit_together_take_turns_in_the_budget_and_the_playgrounds_comes_back(
    compare: CompareDriver, two_models: tuple[Path, Path], qtbot: QtBot
) -> None:
    inference = compare.opened.services.inference
    qtbot.waitUntil(lambda: compare.opened.state is State.READY)
    needed = memory_needed(read_config(two_models[0]), "float32")
    compare.opened.services.settings.update(model_memory=round(1.5 * needed / 1e6))
    compare.prompts("Once", "Twice")
    compare.run()
    assert compare.problems == ["", ""]
    assert sorted(compare.service.results.cells) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert "one after the other" in compare.service.results.notices[0]
    assert inference.state is State.EMPTY
    compare.opened.window.show_page("play")
    qtbot.waitUntil(lambda: inference.state is State.READY)


def test_a_model_that_is_unloaded_while_it_is_compared_costs_one_sentence_in_its_column(
    compare: CompareDriver, two_models: tuple[Path, Path], qtbot: QtBot
) -> None:
    compare.opened.services.settings.update(decoding=DecodingSettings(max_tokens=10_000, logit_bias={50256: -100.0}))
    assert compare.opened.window.commands.run("compare.run")
    qtbot.waitUntil(lambda: (0, 0) in compare.service.written)
    compare.opened.services.inference.engines.unload(str(two_models[0]))
    qtbot.waitUntil(lambda: 0 in compare.service.results.failures)
    assert "unloaded" in compare.problems[0]
    qtbot.waitUntil(lambda: (0, 1) in compare.service.written)
    compare.service.stop()
    qtbot.waitUntil(lambda: not {"one", "two"} & set(loaded(compare)))
