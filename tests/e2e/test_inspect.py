"""Each view of the Inspect pane and each guided tour in the real program, by keyboard alone."""

import re
from collections.abc import Callable

import pytest

from gptdesk.store.settings import Settings
from gptdesk.ui.playground.inspect.views import VIEWS
from gptdesk.ui.playground.tours.table import CARD, TOURS, TRAIN, Step
from tests.patience import wait_for

from .conftest import Program, needs_bundled_model
from .test_walk import go_to, has_focus

pytestmark = needs_bundled_model

TEXT = "Tom saw a big dog. The dog wanted to play with Tom. Lily saw the dog, too. She wanted to play with the"

READINGS = {
    "lens": ("Most likely next token by layer and token", "Down", r"Behind “.+”, after layer \d+: most likely “.*”, "),
    "attention": ("Heads by layer", "Right", r"Layer 0, head 1, all \d+ tokens\."),
    "parts": ("Shares of parts", "Down", r".+ adds .+ to the difference of the logits\."),
    "heads": ("Heads by layer", "Right", r"Layer 0, head 1: previous token .+, duplicate token .+, induction .+\."),
    "neurons": ("Strongest neurons", "Down", r"Layer \d+, neuron \d+: activation .+ It makes more likely: "),
    "embeddings": ("Nearest tokens", "Down", r"“.+”: cosine .+ to “.+”\."),
}
"""Of each view: the table that has the focus, a key that moves in it, and what a screen reader says then."""


@pytest.fixture
def program(start: Callable[..., Program], write_settings: Callable[[Settings], None]) -> Program:
    write_settings(Settings(theme="light"))
    opened = start(driven=True)
    opened.wait_until_painted()
    opened.wait_for_words("State", "Ready")
    return opened


def cell(program: Program, table: str) -> str:
    """What is said of the current cell, if the table has the focus."""
    return next((str(found["cell"]) for found in program.look(table) if found["focused"]), "")


def settled(program: Program) -> bool:
    return any(found["text"] and not found["text"].endswith("…") for found in program.look("State of the view"))


def test_every_view_is_reached_and_read_by_keyboard(program: Program) -> None:
    program.type(TEXT)
    for view, (table, key, said) in READINGS.items():
        program.run_command(f"Inspect: {VIEWS[view].title.lower()}")
        wait_for(lambda table=table: has_focus(program, table), f"the table of {view}")
        wait_for(lambda: settled(program), f"the answer of {view}")
        program.press("Home")
        wait_for(lambda table=table: cell(program, table), f"something in the table of {view}")
        program.press(key)
        wait_for(lambda table=table, said=said: re.match(said, cell(program, table)) is not None, f"{said!r} in {view}")
        program.press("Escape")
        wait_for(lambda: has_focus(program, "Text"), "the text to have the focus again")
    assert program.quit() == 0


def test_every_tour_is_walked_by_keyboard_to_its_end(program: Program) -> None:
    for tour in TOURS:
        program.run_command(tour.title)
        expect_step(program, tour.steps[0])
        go_to(program, "Next", "shift+F6")
        for step in tour.steps[1:]:
            program.press("space")
            if step.view == TRAIN:
                wait_for(lambda: not program.look("End"), "the Train page")
                program.press("ctrl+1")
            if step.view == CARD:
                wait_for(lambda: program.look("Click one*"), "the token card")
                program.press("Escape")
                wait_for(lambda: not program.look("Click one*"), "the token card to close")
            expect_step(program, step)
            if step.view == CARD:
                go_to(program, "Next", "shift+F6")
        go_to(program, "End", "shift+Tab")
        program.press("space")
        wait_for(lambda: not program.look("Guided tour"), "the end of the tour")
        wait_for(lambda: has_focus(program, "Text"), "the text to have the focus")
        assert program.text == tour.text
    assert program.quit() == 0


def expect_step(program: Program, step: Step) -> None:
    """Waits until the card tells of a step, and its view of the pane is there."""
    wait_for(lambda: any(step.title in found["description"] for found in program.look("End")), step.title)
    if step.view in VIEWS:
        program.wait_for_words("View", VIEWS[step.view].title)
