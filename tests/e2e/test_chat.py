"""A person makes a chat model: dialogue prepared, the bundled model fine-tuned, and a chat with its checkpoint.

The pictures that the guide shows are taken on the way (GPTDESK_SAVE_PICTURES, as in test_pictures.py).
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gptdesk.chat.turns import ChatTurn, placed_turns, spoken
from gptdesk.folders import Folders
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import bundled_folder
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from gptdesk.training.checkpoints import checkpoints
from tests.patience import wait_for
from trainer.config.schema import build_config
from trainer.parallel.distributed import ProcessGroup
from trainer.prepare.run import Request, prepare
from trainer.session import run_training

from .conftest import Program, needs_bundled_model

TALK = [("Hello", "Good day."), ("Who are you?", "A small fox."), ("Where do you live?", "In the wood.")]


@pytest.fixture
def data(folders: Folders) -> Path:
    """A small dialogue, prepared."""
    folders.data.mkdir(parents=True)
    source = folders.data / "talk.jsonl"
    lines = []
    for number in range(150):
        turns = [{"role": "system", "content": f"A talk with fox {number}."}]
        for asked, answer in TALK:
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": turns}))
    source.write_text("\n".join(lines), encoding="utf-8")
    asked = Request(
        sources=(str(source),), validation_share=0.1, template="chatml", tokenizer_folder=str(bundled_folder())
    )
    prepare(asked, folders.data / "talk")
    return folders.data / "talk"


def train(run: Path, data: Path, steps: int) -> str:
    """Fine-tunes the bundled model to that step, from where the run stands; returns the folder of the checkpoint."""
    config = build_config({
        "model": {"init_from": str(bundled_folder())},
        "data": {"path": str(data), "batch_size": 1, "micro_batch_size": 1},
        "schedule": {"steps": steps, "warmup_steps": 1},
        "run": {
            "folder": str(run), "device": "cpu", "threads": 1, "compile": "off", "eval_tokens": 512,
            "checkpoint_interval": 3, "eval_interval": 3, "sample_tokens": 0,
        },
    })  # fmt: skip
    assert run_training(config, ProcessGroup(0, 1, torch.device("cpu")), log=lambda _: None) == "finished"
    return str(checkpoints(run)[-1].path)


def send(program: Program, message: str) -> None:
    """Sends a message of the person."""
    program.click("Message")
    program.type(message)
    program.press("Return")


def turns(program: Program) -> list[ChatTurn]:
    """Those of the chat on the disk."""
    document = program.document()
    return spoken(placed_turns(document.mixed)) if document is not None else []


def writer(program: Program) -> str:
    """The model that wrote the last reply on the disk."""
    document = program.document()
    origins = [run.origin for run in document.runs if run.origin] if document is not None else []
    return origins[-1].model if origins else ""


def letters(text: str) -> str:
    """The letters of a text, which are shown as they are."""
    return "".join(filter(str.isalpha, text))


@needs_bundled_model
def test_from_dialogue_to_a_chat_that_is_edited_branched_follows_its_run_is_killed_and_found_again(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    folders: Folders,
    data: Path,
) -> None:
    run = folders.runs / "talk"
    first = train(run, data, steps=3)
    write_settings(Settings(decoding=DecodingSettings(seed=7, max_tokens=24), page="train"))
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State of the run", "Finished")
    program.run_command("chat with this checkpoint")
    wait_for(lambda: program.look("Turns") or program.look("Let the model begin"), "the Chat page")
    settings = SettingsFile(folders.config / "settings.json")
    wait_for(lambda: settings.load()[0].chat_model == first, "the checkpoint to be the model of the chat")
    program.wait_for_words("State", "Ready")
    program.wait_for_words("Template", "The model's own, from its training data: <|im_start|>")
    send(program, "Hello")
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

    # The run is followed: its next checkpoint writes the next reply, and the Playground's model is as it was.
    program.run_command("follow run")
    program.wait_for_words("Model", "following")
    second = train(run, data, steps=6)
    wait_for(lambda: settings.load()[0].chat_model == second, "the newest checkpoint to be the model of the chat")
    program.wait_for_words("State", "Ready")
    send(program, "Where do you live?")
    wait_for(lambda: writer(program) == second and program.finish_reason is not None, "its reply")
    assert settings.load()[0].model == Settings().model
    said = turns(program)
    assert said[2] == ChatTurn("user", "Where do you live?")
    program.kill()

    # It is all there again, the other branch included, and the run is still followed.
    again = start(driven=True)
    again.wait_until_painted()
    again.wait_for_words("Version", "2 / 2")
    assert turns(again) == said
    again.wait_for_words("Model", "following")
    third = train(run, data, steps=9)
    wait_for(lambda: settings.load()[0].chat_model == third, "the newest checkpoint to be the model of the chat")
    again.click("Former version")
    again.wait_for_words("Version", "1 / 2")
    wait_for(lambda: turns(again)[:1] == [ChatTurn("user", "Hello")], "the first branch on the disk")
    assert again.quit() == 0


@needs_bundled_model
def test_a_kill_in_the_middle_of_a_turn_leaves_what_was_shown_and_saved_by_then(
    start: Callable[..., Program], write_settings: Callable[[Settings], None]
) -> None:
    """While a turn is written, it is saved again and again: what is shown is on the disk soon after, end or no end."""
    tokenizer = load_tokenizer(bundled_folder(), read_config(bundled_folder()))
    never_ends = dict.fromkeys(tokenizer.end_ids, -100.0)
    endless = DecodingSettings(seed=2, max_tokens=100_000, logit_bias=never_ends)
    write_settings(Settings(decoding=endless, new_document_decoding=endless, page="chat"))
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State", "Ready")
    send(program, "Tell me a story")

    def shown(one: Program) -> str:
        return "".join(letters(found["text"]) for found in one.look("Message of Assistant"))

    def saved() -> str:
        return letters(turns(program)[-1].text)

    wait_for(lambda: len(turns(program)) == 2 and saved(), "the beginning of the turn on the disk")
    before = len(saved())
    seen = wait_for(lambda: text if len(text := shown(program)) > before else "", "the turn to go on")
    wait_for(lambda: saved().startswith(seen), "what was seen on the disk")
    program.kill()
    assert program.finish_reason is None
    kept = saved()
    assert kept.startswith(seen)

    again = start(driven=True)
    again.wait_until_painted()
    wait_for(lambda: shown(again) == kept, "the turn, as far as it was written")
    again.wait_for_words("State", "Ready")
    assert [turn.role for turn in turns(again)] == ["user", "assistant"]
    wait_for(lambda: any(found["enabled"] for found in again.look("Continue the reply")), "the turn to be continued")
    assert again.quit() == 0


@needs_bundled_model
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_a_chat(
    theme: str, start: Callable[..., Program], write_settings: Callable[[Settings], None], pictures: Path
) -> None:
    write_settings(
        Settings(theme=theme, decoding=DecodingSettings(seed=16, max_tokens=48, temperature=0.7), page="chat")
    )
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State", "Ready")
    program.click("System text")
    program.type("A talk with a little fox who lives in a wood.")
    send(program, "Good morning! Who are you?")
    wait_for(lambda: program.finish_reason is not None, "the reply")
    wait_for(lambda: any(int(found["text"].split()[0]) > 60 for found in program.look("Tokens")), "the context meter")
    picture = pictures / f"chat-{theme}.png"
    program.photograph(picture)
    assert picture.stat().st_size > 10_000
    assert program.quit() == 0
