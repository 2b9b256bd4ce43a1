"""A person makes a chat model: dialogue prepared, the bundled model fine-tuned, and a chat with its checkpoint.

The pictures that the guide shows are taken on the way (GPTDESK_SAVE_PICTURES, as in test_pictures.py).
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gptdesk.chat.turns import ChatTurn, placed_turns, spoken
from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import bundled_folder
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.patience import wait_for
from trainer.config.schema import build_config
from trainer.parallel.distributed import ProcessGroup
from trainer.prepare.run import Request, prepare
from trainer.session import run_training

from .conftest import Program

TALK = [("Hello", "Good day."), ("Who are you?", "A small fox."), ("Where do you live?", "In the wood.")]


@pytest.fixture
def run(folders: Folders) -> Path:
    """A run of a few steps on a small dialogue, with a checkpoint."""
    folders.data.mkdir(parents=True)
    source = folders.data / "talk.jsonl"
    lines = []
    for number in range(150):
        turns = [{"role": "system", "content": f"A talk with fox {number}."}]
        for asked, answer in TALK:
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": turns}))
    source.write_text("\n".join(lines), encoding="utf-8")
    prepare(Request(sources=(str(source),), validation_share=0.1, template="chatml"), folders.data / "talk")
    config = build_config({
        "model": {"init_from": str(bundled_folder())},
        "data": {"path": str(folders.data / "talk"), "batch_size": 1, "micro_batch_size": 1},
        "schedule": {"steps": 3, "warmup_steps": 1},
        "run": {
            "folder": str(folders.runs / "talk"), "device": "cpu", "threads": 1, "compile": "off", "eval_tokens": 512,
            "checkpoint_interval": 3, "eval_interval": 3, "sample_tokens": 0,
        },
    })  # fmt: skip
    assert run_training(config, ProcessGroup(0, 1, torch.device("cpu")), log=lambda _: None) == "finished"
    return folders.runs / "talk"


def turns(program: Program) -> list[ChatTurn]:
    document = program.document()
    return spoken(placed_turns(document.mixed)) if document is not None else []


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="needs the bundled model")
def test_from_dialogue_to_a_chat_that_is_edited_branched_killed_and_found_again(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    folders: Folders,
    run: Path,
    tmp_path: Path,
) -> None:
    write_settings(Settings(decoding=DecodingSettings(seed=7, max_tokens=24), page="train"))
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State of the run", "Finished")
    program.press("ctrl+k")
    wait_for(lambda: program.look("Search commands"), "the palette")
    program.type("chat with this checkpoint")
    program.press("Return")
    wait_for(lambda: program.look("Turns") or program.look("Let the model begin"), "the Chat page")
    settings = SettingsFile(folders.config / "settings.json")
    wait_for(lambda: run in Path(settings.load()[0].chat_model).parents, "the checkpoint to be the model of the chat")
    program.wait_for_words("State", "Ready")
    program.wait_for_words("Template", "The model's own, from its training data: <|im_start|>")
    program.click("Message")
    program.type("Hello")
    program.press("Return")
    wait_for(lambda: program.finish_reason is not None, "the reply")
    assert turns(program)[0] == ChatTurn("user", "Hello")

    # Another version of the message, with a reply of its own.
    wait_for(lambda: any(found["enabled"] for found in program.look("Regenerate the reply")), "the end of the reply")
    program.press("Up")
    program.press("Up")
    program.press("e")
    program.press("ctrl+a")
    program.type("Who are you?")
    program.press("ctrl+Return")
    wait_for(lambda: turns(program)[:1] == [ChatTurn("user", "Who are you?")], "the branch")
    wait_for(lambda: program.finish_reason is not None, "the reply to it")
    program.wait_for_words("Version", "2 / 2")
    said = turns(program)
    program.kill()

    # It is all there again, the other branch included.
    again = start(driven=True)
    again.wait_until_painted()
    again.wait_for_words("Version", "2 / 2")
    assert turns(again) == said
    again.click("Former version")
    again.wait_for_words("Version", "1 / 2")
    wait_for(lambda: turns(again)[:1] == [ChatTurn("user", "Hello")], "the first branch on the disk")
    assert again.quit() == 0


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="needs the bundled model")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_a_chat(
    theme: str, start: Callable[..., Program], write_settings: Callable[[Settings], None], tmp_path: Path
) -> None:
    write_settings(
        Settings(theme=theme, decoding=DecodingSettings(seed=4, max_tokens=48, temperature=0.7), page="chat")
    )
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State", "Ready")
    program.click("System text")
    program.type("A talk with a little fox who lives in a wood.")
    program.click("Message")
    program.type("Good morning! Who are you?")
    program.press("Return")
    wait_for(lambda: program.finish_reason is not None, "the reply")
    wait_for(lambda: any(int(found["text"].split()[0]) > 60 for found in program.look("Tokens")), "the context meter")
    folder = Path(os.environ.get("GPTDESK_SAVE_PICTURES") or tmp_path)
    picture = folder / f"chat-{theme}.png"
    program.screen.photograph(program.process, picture)
    assert picture.stat().st_size > 10_000
    assert program.quit() == 0
