"""A generation is generated again in the real window."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from msgspec.structs import replace
from pytestqt.qtbot import QtBot
from safetensors.torch import load_file, save_file

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.playground.replay.dialog import ReplayDialog
from gptdesk.ui.services.inference_messages import State

from .conftest import Opened


def generate(opened: Opened, qtbot: QtBot, text: str = "Once upon a time") -> None:
    """Eight tokens with a seed of their own."""
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=8, top_k=50))
    session = opened.window.session
    session.edit(0, len(session.document.text), text)
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not session.busy)


def replay(opened: Opened) -> ReplayDialog:
    opened.window.commands.run("text.replay")
    dialog: ReplayDialog = opened.window.findChildren(ReplayDialog)[-1]
    return dialog


def ended(dialog: ReplayDialog) -> str:
    """What it says, once it says something final."""
    sentence = dialog.answer.accessibleDescription()
    return "" if not sentence or sentence.endswith("…") else sentence


def result(dialog: ReplayDialog, qtbot: QtBot) -> str:
    qtbot.waitUntil(lambda: bool(ended(dialog)))
    return ended(dialog)


def test_a_generation_is_replayed_with_the_same_tokens_and_changes_nothing(opened: Opened, qtbot: QtBot) -> None:
    generate(opened, qtbot)
    document = opened.window.session.document
    before = document.snapshot()
    dialog = replay(opened)
    assert result(dialog, qtbot) == "Identical, 8 tokens."
    assert not dialog.branch.isVisible()
    assert not dialog.load.isVisible()
    assert document.snapshot() == before
    origin = document.last_origin()
    assert origin is not None
    assert dialog.values["Seed"].text() == str(origin.seed)
    assert all("unknown" not in label.accessibleName() for label in dialog.values.values())
    dialog.again.click()
    assert dialog.again.text() == "Stop"
    assert result(dialog, qtbot) == "Identical, 8 tokens."
    dialog.reject()


def test_the_menu_has_it(opened: Opened) -> None:
    opened.window.menu.aboutToShow.emit()
    assert "Replay generation…" in [action.text() for action in opened.window.menu.actions()]


def test_a_generation_that_an_edit_cut_off_can_be_replayed(opened: Opened, qtbot: QtBot) -> None:
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=100_000))
    session = opened.window.session
    session.edit(0, 0, "Once")
    session.generate()
    qtbot.waitUntil(lambda: len(session.document.text) > 50)
    session.edit(len(session.document.text), len(session.document.text), "!")
    qtbot.waitUntil(lambda: opened.state is State.READY)
    dialog = replay(opened)
    assert result(dialog, qtbot).startswith("Identical, ")
    dialog.reject()


def test_text_that_comes_out_differently_can_be_kept_as_a_branch(opened: Opened, qtbot: QtBot) -> None:
    generate(opened, qtbot)
    session = opened.window.session
    snapshot = session.document.snapshot()
    text = session.document.text
    node = snapshot.nodes[snapshot.leaf]
    assert node.run.origin is not None
    wrong = msgspec.structs.replace(node.run.tokens[3], id=0)
    tokens = (*node.run.tokens[:3], wrong, *node.run.tokens[4:])
    changed = replace(node, run=replace(node.run, tokens=tokens))
    session.open(Document(replace(snapshot, nodes={**snapshot.nodes, node.id: changed})))
    dialog = replay(opened)
    assert result(dialog, qtbot).startswith("The first 3 tokens are identical; then “!” became “")
    qtbot.waitUntil(dialog.branch.isVisible)
    dialog.branch.click()
    assert session.document.text == text
    assert len(session.document.snapshot().nodes) == len(snapshot.nodes) + 1
    session.undo()
    assert [run.tokens[3].id for run in session.document.runs if run.generated] == [0]


def test_a_model_that_was_replaced_is_another_version(
    open_window: Callable[..., Opened], qtbot: QtBot, tiny_model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(tiny_model_folder, folder)
    opened = open_window(str(folder))
    qtbot.waitUntil(lambda: opened.services.inference.info is not None and opened.services.inference.info.weights)
    generate(opened, qtbot)
    tensors = load_file(folder / "model.safetensors")
    tensors["transformer.ln_f.bias"] = torch.ones(48)
    opened.services.inference.unload()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    opened.services.loader.load()
    qtbot.waitUntil(lambda: opened.state is State.READY)
    dialog = replay(opened)
    assert "is another version now: its weights have the hash " in result(dialog, qtbot)
    dialog.reject()


def test_another_model_or_precision_is_said_and_the_right_one_is_a_button_away(
    opened: Opened, qtbot: QtBot, tiny_model_folder: Path, tmp_path: Path
) -> None:
    generate(opened, qtbot)
    origin = opened.window.session.document.last_origin()
    assert origin is not None
    wanted, other = ("int8", "float32") if origin.precision == "int8" else (origin.precision, "int8")
    opened.services.settings.update(precision=other)
    qtbot.waitUntil(lambda: opened.state is State.READY and opened.services.inference.info.precision == other)
    dialog = replay(opened)
    assert f"and the model is loaded on cpu in {other}" in result(dialog, qtbot)
    assert dialog.load.text() == f"Load on cpu in {wanted}"
    dialog.load.click()
    qtbot.waitUntil(lambda: ended(dialog) == "Identical, 8 tokens.")
    dialog.reject()

    folder = tmp_path / "other"
    shutil.copytree(tiny_model_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["transformer.ln_f.bias"] = torch.ones(48)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    opened.services.settings.update(model=str(folder))
    qtbot.waitUntil(lambda: opened.state is State.READY and opened.services.inference.info.model == str(folder))
    dialog = replay(opened)
    assert result(dialog, qtbot) == f"It was generated by {tiny_model_folder}, and {folder} is in use."
    dialog.load.click()
    qtbot.waitUntil(lambda: ended(dialog) == "Identical, 8 tokens.")
    dialog.reject()


def test_a_text_without_generations_has_nothing_to_replay(opened: Opened) -> None:
    commands = opened.window.commands
    assert commands.reason("text.replay") == "Nothing has been generated in this document."
