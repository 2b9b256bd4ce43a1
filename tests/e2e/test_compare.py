"""A person compares two checkpoints of a run blind, votes, and exports the result.

The pictures that the guide shows are taken on the way (GPTDESK_SAVE_PICTURES, as in test_pictures.py).
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gptdesk.compare.votes import FILE, read_votes
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.settings import Settings
from tests.patience import wait_for
from tests.random_models import save_peaked
from trainer.run_directory.layout import CHECKPOINT_MANIFEST, CHECKPOINTS

from .conftest import Program, needs_bundled_model

PROMPT = "Once upon a time there was a little fox who"


@pytest.fixture
def checkpoints(folders: Folders) -> list[Path]:
    """Two checkpoints of a run: models so small that they are made here."""
    config = GPT2Config(n_layer=1, n_head=2, n_embd=16, n_positions=64)
    made = []
    for step in (100, 200):
        folder = save_peaked(config, folders.runs / "small" / CHECKPOINTS / f"step-{step:08}", step)
        files = {path.name: {"bytes": path.stat().st_size} for path in folder.iterdir()}
        (folder / CHECKPOINT_MANIFEST).write_text(json.dumps(files))
        made.append(folder)
    return made


def comparison(*models: str, **values: object) -> dict[str, object]:
    """What the settings keep of the page."""
    columns = [{"model": model, "precision": "float32", "preset": ""} for model in models]
    return {"columns": columns, "prompt": PROMPT, "seed": 3, **values}


def test_two_checkpoints_are_compared_blind_and_the_result_is_exported(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    folders: Folders,
    checkpoints: list[Path],
    tmp_path: Path,
) -> None:
    model = str(checkpoints[0])
    write_settings(
        Settings(
            decoding=DecodingSettings(max_tokens=12),
            model=model,
            page="compare",
            folder=str(tmp_path),
            comparison=comparison(*map(str, checkpoints)),
        )
    )
    program = start(driven=True)
    program.wait_until_painted()
    wait_for(lambda: program.look("Step of column 2"), "the sliders of the checkpoints")
    program.click("Blind vote")
    program.press("ctrl+Return")
    wait_for(lambda: program.look("Prefer text 2"), "both texts")
    assert not program.look("Figures of the texts")
    program.click("Prefer text 2")
    wait_for(lambda: (folders.data / FILE).exists(), "the vote on the disk")
    vote = read_votes(folders.data / FILE)[0]
    assert vote.prompt == PROMPT
    assert vote.choice == 1
    assert sorted(vote.models) == ["small · step 100 · float32", "small · step 200 · float32"]
    wait_for(lambda: program.look("Figures of the texts"), "the names and figures")

    program.run_command("Export comparison")
    wait_for(lambda: program.look("File name:"), "the dialog")
    program.press("ctrl+a")
    program.type("result.csv")
    program.press("Return")
    wait_for((tmp_path / "result.csv").exists, "the export")
    with (tmp_path / "result.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["100", "200"]
    assert {row["seed"] for row in rows} == {"3"}
    assert all(row["text"] for row in rows)
    assert program.quit() == 0


@needs_bundled_model
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_a_comparison(
    theme: str, start: Callable[..., Program], write_settings: Callable[[Settings], None], pictures: Path
) -> None:
    kept = comparison("stories", "stories", colours="surprisal")
    kept["columns"][1]["preset"] = "Creative"  # type: ignore[index]
    write_settings(
        Settings(
            theme=theme, decoding=DecodingSettings(max_tokens=70, temperature=0.6), page="compare", comparison=kept
        )
    )
    program = start(driven=True)
    program.wait_until_painted()
    program.press("ctrl+Return")
    wait_for(lambda: any("Seed 3" in found["text"] for found in program.look("Seed")), "the comparison")
    wait_for(lambda: program.look("Figures of the texts"), "figures")
    program.wait_for_words("State", "Ready")
    picture = pictures / f"compare-{theme}.png"
    program.photograph(picture)
    assert picture.stat().st_size > 10_000
    assert program.quit() == 0
