"""A walk through the Playground by keyboard alone, with the model that ships.

The pictures that the guide shows are taken on the way (GPTDESK_SAVE_PICTURES, as in test_pictures.py).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.inference.sampling.presets import apply_preset
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.store.settings import Settings
from tests.patience import wait_for

from .conftest import Program, needs_bundled_model
from .test_pictures import BEGINNING

pytestmark = needs_bundled_model

MOST_STEPS = 60
"""More than there are things in a window that take the focus."""


@pytest.fixture
def program(start: Callable[..., Program], write_settings: Callable[[Settings], None]) -> Program:
    decoding = apply_preset(PRESETS["Balanced"], DecodingSettings(max_tokens=40, seed=7))
    write_settings(Settings(theme="light", decoding=decoding))
    opened = start(driven=True)
    opened.wait_until_painted()
    return opened


@pytest.fixture
def picture(program: Program, pictures: Path) -> Callable[[str], None]:
    return lambda name: program.photograph(pictures / f"{name}.png")


def generated(program: Program, keys: str) -> str:
    """Presses keys that generate, and returns the text once another one is there and the model is free."""
    before = program.text
    program.press(keys)
    wait_for(lambda: program.text not in (before, BEGINNING) and program.finish_reason is not None, "another text")
    wait_for(lambda: any(found["enabled"] for found in program.look("Regenerate")), "the model to be free")
    return program.text


def expect_text(program: Program, text: str) -> None:
    wait_for(lambda: program.text == text, f"the text {text!r}")


def description(program: Program, name: str) -> str:
    return next((str(found["description"]) for found in program.look(name)), "")


def has_focus(program: Program, name: str) -> bool:
    return any(found["focused"] for found in program.look(name))


def go_to(program: Program, name: str, key: str = "Tab") -> None:
    """Presses a key until what has that name, or those words on it, has the focus."""

    def focused() -> dict[str, Any] | None:
        return next((found for found in program.look("*") if found["focused"]), None)

    for _ in range(MOST_STEPS):
        before = focused()
        if before is not None and name in (before["name"], before["text"]):
            return
        program.press(key)
        wait_for(lambda before=before: focused() not in (None, before), "the focus to move")
    raise AssertionError(f"{key} does not come to {name!r}")


def test_walk_through_the_playground_by_keyboard(program: Program, picture: Callable[[str], None]) -> None:
    program.type(BEGINNING)
    first = generated(program, "ctrl+Return")

    # Regenerate with another seed, and back and forth between both branches.
    program.press("F6")
    go_to(program, "Seed")
    program.press("ctrl+a")
    program.type("8")
    go_to(program, "Preset", "shift+Tab")  # the panel scrolls back
    go_to(program, "Text", "shift+F6")
    second = generated(program, "ctrl+shift+Return")
    assert first.startswith(BEGINNING)
    assert second.startswith(BEGINNING)
    program.press("alt+Left")
    expect_text(program, first)
    program.press("alt+Right")
    expect_text(program, second)

    # Several, of which the text goes on with one.
    program.press("ctrl+alt+Return")
    wait_for(lambda: all(description(program, f"Completion {n}").startswith("Ended") for n in (1, 2, 3, 4)), "cards")
    picture("completions")
    completion = description(program, "Completion 2")
    program.press("2")
    wait_for(lambda: program.text.startswith(second) and program.text != second, "the completion in the text")
    chosen = program.text
    assert completion.endswith(chosen.removeprefix(second))

    # The tree: a branch is compared with the text, and shown.
    program.press("ctrl+b")
    wait_for(lambda: has_focus(program, "Branches"), "the branches")
    program.press("Down")
    picture("branches")
    program.press("ctrl+d")
    wait_for(lambda: program.look("Both branches"), "the comparison")
    program.press("F3")
    program.press("Escape")
    wait_for(lambda: not program.look("Both branches"), "the comparison to close")
    program.press("Return")
    wait_for(lambda: program.text != chosen, "the other branch")
    other = program.text
    program.press("ctrl+b")
    wait_for(lambda: has_focus(program, "Text"), "the branches to close")

    # The token view, and a line of the token card, moved and put back.
    program.press("ctrl+t")
    program.wait_for_words("Totals", "perplexity")
    program.press("ctrl+t")
    wait_for(lambda: not program.look("Totals"), "the token view to close")
    for key in ("ctrl+Home", "Down", "Down", "ctrl+i"):
        program.press(key)
    wait_for(lambda: program.look("Top-p in the X-ray"), "the token card")
    go_to(program, "Top-p in the X-ray")
    for _ in range(20):
        program.press("Left")
    wait_for(lambda: program.look("Use in this document"), "the setting that is tried")
    picture("token-card")
    program.press("Escape")
    wait_for(lambda: not program.look("Use in this document"), "the setting to be put back")
    program.press("Escape")
    wait_for(lambda: has_focus(program, "Text"), "the card to close")

    # Replay: the same tokens once more.
    program.run_command("Replay generation")
    program.wait_for_words("Result", "Identical")
    program.press("Escape")
    wait_for(lambda: not program.look("Result"), "the dialog to close")

    # At the caret; Undo brings back what stood behind it.
    program.press("ctrl+Home")
    program.press("ctrl+Right")
    at_caret = generated(program, "alt+Return")
    assert at_caret.startswith("The ")
    assert not at_caret.startswith(BEGINNING)
    program.press("ctrl+z")
    expect_text(program, other)

    # The most probable continuation, and a suggestion.
    program.press("ctrl+End")
    program.run_command("Probable continuations")
    wait_for(lambda: program.look("20 continuations*"), "all continuations")
    program.press("Return")
    wait_for(lambda: program.text.startswith(other) and program.text != other, "the continuation in the text")
    program.run_command("Suggest while typing")
    program.press("ctrl+End")
    typed = f"{program.text} The sea"
    program.type(" The sea")
    expect_text(program, typed)
    wait_for(lambda: "Suggestion" in description(program, "Text"), "a suggestion")
    program.press("Tab")
    wait_for(lambda: program.text.startswith(typed) and program.text != typed, "the suggestion in the text")
    assert program.quit() == 0
