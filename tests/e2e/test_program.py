"""A person's hour with the program: write, read, stop, close, come back, and what a crash leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.patience import wait_for

from .conftest import Program
from .screens import Screen
from .test_pictures import size

PAINTED_WITHIN = 1.0

Start = Callable[[], Program]
Write = Callable[[Settings], None]


@pytest.fixture
def tiny(tiny_model_folder: Path) -> Callable[..., Settings]:
    def settings(**decoding: object) -> Settings:
        return Settings(model=str(tiny_model_folder), decoding=DecodingSettings(seed=1, **decoding))

    return settings


def test_write_read_stop_close_and_come_back(
    start: Start, write_settings: Write, tiny: Callable[..., Settings]
) -> None:
    write_settings(tiny(max_tokens=100_000))
    program = start()
    program.wait_until_painted()
    program.type("Once upon a time there was a ")
    wait_for(lambda: program.text == "Once upon a time there was a ", "the typed text")
    program.press("ctrl+Return")
    wait_for(lambda: len(program.text) > 200, "words of the model")
    program.press("Escape")
    wait_for(lambda: program.finish_reason == "cancelled", "the end")
    text = program.text
    document = program.document()
    assert document is not None
    assert text.startswith("Once upon a time there was a ")
    assert [run.generated for run in document.runs] == [False, True]
    assert program.quit() == 0

    again = start()
    again.wait_until_painted()
    again.type("And ")
    wait_for(lambda: again.text == text + "And ", "the text, gone on with after a restart")
    assert again.quit() == 0


def test_killed_while_it_writes_it_finds_the_words_again(
    start: Start, write_settings: Write, tiny: Callable[..., Settings], folders: Folders
) -> None:
    write_settings(tiny(max_tokens=100_000))
    program = start()
    program.wait_until_painted()
    program.type("Once")
    program.press("ctrl+Return")
    wait_for(lambda: len(program.text) > 200, "words of the model")
    program.kill()
    text = program.text

    again = start()
    again.wait_until_painted()
    again.press("Escape")
    again.type("x")
    wait_for(lambda: again.text == text + "x", "the text, gone on with after the kill")
    document = again.document()
    assert document is not None
    assert document.runs[1].generated
    assert again.quit() == 0


def test_undo_of_a_generation_with_the_keyboard(
    start: Start, write_settings: Write, tiny: Callable[..., Settings]
) -> None:
    write_settings(tiny(max_tokens=5))
    program = start()
    program.wait_until_painted()
    program.type("Once")
    program.press("ctrl+Return")
    wait_for(lambda: program.finish_reason == "length", "the end")
    text = program.text
    program.press("ctrl+z")
    wait_for(lambda: program.text == "Once", "the text before")
    program.press("ctrl+shift+z")
    wait_for(lambda: program.text == text, "the text after")
    assert program.quit() == 0


def test_a_second_start_raises_the_first_window_and_ends(
    start: Start, write_settings: Write, tiny: Callable[..., Settings], folders: Folders
) -> None:
    write_settings(tiny())
    first = start()
    first.wait_until_painted()
    second = start()
    assert second.process.wait(600) == 0
    assert first.process.poll() is None
    assert ": raised\n" in (folders.logs / "gptdesk.log").read_text()
    first.type("still here")
    wait_for(lambda: first.text == "still here", "the first window's text")
    assert first.quit() == 0


def test_closing_before_the_model_is_there(start: Start, write_settings: Write, tiny: Callable[..., Settings]) -> None:
    write_settings(tiny())
    program = start()
    program.wait_until_painted()
    assert program.quit() == 0


def test_the_window_comes_back_as_large_as_it_was(
    start: Start, write_settings: Write, tiny: Callable[..., Settings], screen: Screen, tmp_path: Path
) -> None:
    write_settings(tiny())
    program = start()
    program.wait_until_painted()
    screen.resize(program.process, 1040, 720)
    wait_for(lambda: size(program, tmp_path / "before.png") == (1040, 720), "the size")
    assert program.quit() == 0
    again = start()
    again.wait_until_painted()
    assert size(again, tmp_path / "after.png") == (1040, 720)
    assert again.quit() == 0


def test_a_model_that_is_gone_leaves_a_window_to_write_in(
    start: Start, write_settings: Write, folders: Folders
) -> None:
    write_settings(Settings(model="/nowhere/gone"))
    program = start()
    program.wait_until_painted()
    program.type("still here")
    wait_for(lambda: program.text == "still here", "the typed text")
    assert program.quit() == 0
    settings, _ = SettingsFile(folders.config / "settings.json").load()
    assert settings.model == "/nowhere/gone"


@pytest.mark.timing
def test_the_window_is_painted_within_a_second(
    start: Start, write_settings: Write, tiny: Callable[..., Settings]
) -> None:
    write_settings(tiny())
    program = start()
    painted = program.wait_until_painted()
    assert program.quit() == 0
    print(f"\npainted after {painted:.2f} s")
    assert painted <= PAINTED_WITHIN
