"""The pictures that the README shows, taken of the real program with the model that ships.

They are written to the folder in GPTDESK_SAVE_PICTURES (docs/images, say), else to a temporary one.
"""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.inference.sampling.presets import apply_preset
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.library.catalogue import bundled_folder
from gptdesk.store.settings import Settings
from gptdesk.training.checkpoints import checkpoints
from tests.patience import wait_for
from tests.small_run import train_small

from .conftest import Program, needs_bundled_model

BEGINNING = "The old lighthouse keeper had not spoken to anyone in eleven years. On the morning the ship came,"
SIZE = (1320, 820)


@needs_bundled_model
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_the_playground(
    theme: str,
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
) -> None:
    decoding = apply_preset(PRESETS["Balanced"], DecodingSettings(max_tokens=120, seed=7))
    write_settings(Settings(theme=theme, decoding=decoding))
    program = start(driven=True)
    program.wait_until_painted()
    program.type(BEGINNING)
    program.press("ctrl+Return")
    wait_for(lambda: program.finish_reason is not None, "the end")
    wait_for(lambda: any("can be chosen" in found["text"] for found in program.look("*")), "the next token")
    picture = pictures / f"playground-{theme}.png"
    assert size(program, picture) == SIZE
    assert program.quit() == 0


@needs_bundled_model
def test_picture_of_the_token_view_and_a_token_chosen_by_its_number(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
) -> None:
    decoding = apply_preset(PRESETS["Balanced"], DecodingSettings(max_tokens=60, seed=7))
    write_settings(Settings(theme="light", decoding=decoding))
    program = start(driven=True)
    program.wait_until_painted()
    program.type(BEGINNING)
    program.press("ctrl+Return")
    wait_for(lambda: program.finish_reason is not None, "the end")
    wait_for(lambda: any(found["enabled"] for found in program.look("Regenerate")), "the model to be free")
    program.press("ctrl+t")
    wait_for(lambda: any("perplexity" in found["text"] for found in program.look("Totals")), "the scores")
    picture = pictures / "token-view.png"
    assert size(program, picture) == SIZE
    program.press("ctrl+i")
    wait_for(lambda: program.look("Click one*"), "the token card")
    before = program.text
    program.press("1")
    wait_for(lambda: program.text != before, "the branch")
    assert program.text.startswith(before)
    assert program.quit() == 0


@needs_bundled_model
def test_picture_of_inspect_and_of_two_prompts_that_are_compared(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
) -> None:
    write_settings(Settings(theme="light"))
    program = start(driven=True)
    program.wait_until_painted()
    program.type(
        "Tom saw a big dog. The dog wanted to play with Tom. Lily saw the dog, too. She wanted to play with the"
    )
    program.press("ctrl+shift+i")
    program.wait_for_words("State of the view", " tokens")
    picture = pictures / "inspect.png"
    assert size(program, picture) == SIZE
    program.run_command("inspect compare")
    wait_for(lambda: program.look("Prompt 1"), "the fields")
    he, she = (name_of_one_token(names) for names in (("Tom", "Tim", "Ben", "John"), ("Lily", "Mia", "Sara", "Mary")))
    for text in (f"One day, {he} went to the park and lost", "his", f"One day, {she} went to the park and lost", "her"):
        program.press("ctrl+a")
        program.type(text)
        program.press("Tab")
    program.press("Tab")
    program.press("space")
    layers = read_config(bundled_folder()).n_layer
    program.wait_for_words("State of the view", f"{layers} of {layers} layers")
    picture = picture.with_name("inspect-compare.png")
    assert size(program, picture) == SIZE
    assert program.quit() == 0


def test_picture_of_a_text_as_it_is_learned_and_heads_over_steps_by_keyboard(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
    tmp_path: Path,
) -> None:
    run = train_small(tmp_path, range(3, 31, 3))
    write_settings(Settings(theme="light", model=str(checkpoints(run)[-1].path)))
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State", "Ready")
    program.type("Once upon a time there were 7 dragons. The dragons were sad.")
    program.run_command("inspect this text")
    described(program, "Step of the checkpoint", "Step 30 of 30")
    for _ in range(5):
        program.press("Up")
    described(program, "Step of the checkpoint", "Step 15 of 30")
    picture = pictures / "inspect-learned.png"
    assert size(program, picture) == SIZE
    program.run_command("inspect heads over")
    described(program, "Scores by step", "L0 H0")
    assert program.quit() == 0


def described(program: Program, name: str, words: str) -> None:
    """Waits until what has that accessible name has these words in its description."""
    wait_for(lambda: any(words in found["description"] for found in program.look(name)), f"{name!r}: {words}")


def name_of_one_token(names: Sequence[str]) -> str:
    """The first of them that the bundled model reads as one token, so that prompts are of one length."""
    folder = bundled_folder()
    tokenizer = load_tokenizer(folder, read_config(folder))
    return next(name for name in names if len(tokenizer.encode(f" {name}")) == 1)


@needs_bundled_model
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_a_guided_tour_and_of_a_changed_model(
    theme: str,
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
) -> None:
    write_settings(Settings(theme=theme))
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State", "Ready")
    program.run_command("how a token is chosen")
    program.click("Next")
    wait_for(lambda: program.look("Click one*"), "the token card")
    program.press("Escape")
    program.click("Next")
    program.wait_for_words("State of the view", " tokens")
    picture = pictures / f"tour-{theme}.png"
    assert size(program, picture) == SIZE
    program.click("End")
    program.click("Close Inspect")
    program.run_command("change the model")
    wait_for(lambda: program.look("Parts that are switched off"), "the dialog")
    for name, text in (("Parts that are switched off", "3.1"), ("Toward", "I am happy"), ("Away from", "I am sad")):
        program.click(name)
        program.type(text)
    program.press("Return")
    wait_for(lambda: program.look("Model changed*"), "the chip")
    program.click("Model changed*")
    wait_for(lambda: program.look("Parts that are switched off"), "the dialog again")
    picture = pictures / f"intervention-{theme}.png"
    assert size(program, picture) == SIZE
    program.press("Escape")
    wait_for(lambda: not program.look("Parts that are switched off"), "the dialog to close")
    assert program.quit() == 0


def size(program: Program, picture: Path) -> tuple[int, int]:
    """Takes a picture and gives its width and height."""
    program.photograph(picture)
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


@needs_bundled_model
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_continuations_of_which_one_is_taken_and_the_text_goes_on_at_the_caret(
    theme: str,
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
) -> None:
    decoding = apply_preset(PRESETS["Balanced"], DecodingSettings(max_tokens=8, seed=7))
    write_settings(Settings(theme=theme, decoding=decoding, suggestions=True))
    program = start(driven=True)
    program.wait_until_painted()
    program.type(BEGINNING)
    wait_for(lambda: "Suggestion" in program.look("Text")[0]["description"], "a suggestion")
    program.press("Tab")
    wait_for(lambda: program.finish_reason == "chosen", "the suggestion in the text")
    program.run_command("probable continuations")
    wait_for(lambda: program.look("20 continuations*"), "all continuations")
    picture = pictures / f"continuations-{theme}.png"
    assert size(program, picture) == SIZE
    before = program.text
    program.press("Return")
    wait_for(lambda: program.text != before, "the continuation in the text")
    assert program.text.startswith(before)
    program.press("ctrl+Home")
    program.press("Down")
    program.press("ctrl+Return")
    wait_for(lambda: program.finish_reason == "length", "the end")
    assert not program.text.startswith(before)
    assert program.quit() == 0


@needs_bundled_model
def test_picture_of_two_branches_that_are_compared(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    pictures: Path,
) -> None:
    decoding = apply_preset(PRESETS["Balanced"], DecodingSettings(max_tokens=60, seed=7))
    write_settings(Settings(theme="light", decoding=decoding, completions=2))
    program = start(driven=True)
    program.wait_until_painted()
    program.type(BEGINNING)
    program.press("ctrl+alt+Return")
    program.wait_for_words("State of the completions", "Press 1")
    program.press("1")
    wait_for(lambda: program.text != BEGINNING, "the first completion in the text")
    program.press("ctrl+b")
    wait_for(lambda: program.look("Branches"), "the tree")
    program.press("Down")
    program.press("ctrl+d")
    wait_for(lambda: program.look("Both branches"), "the comparison")
    picture = pictures / "comparison.png"
    assert size(program, picture) == SIZE
    program.press("Escape")
    wait_for(lambda: not program.look("Both branches"), "the text again")
    assert program.quit() == 0
