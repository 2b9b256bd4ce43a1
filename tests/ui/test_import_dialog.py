"""The import dialog of a LoRA adapter: which base model it is merged with."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.library.import_ import import_model, look_at
from gptdesk.library.importing.formats import FORMATS
from gptdesk.ui.models.import_dialog import ImportDialog
from gptdesk.ui.models.imports import ModelImports
from gptdesk.ui.models.list_view.drop_frame import DropFrame
from gptdesk.ui.services.models.model_library import ModelLibrary


@pytest.fixture
def models(folders: Folders, tiny_model_folder: Path, qtbot: QtBot) -> Iterator[ModelLibrary]:
    for name in ("first", "second"):
        import_model(folders, tiny_model_folder, name=name)
    made = ModelLibrary(folders)
    with qtbot.waitSignal(made.changed):
        made.look()
    yield made
    assert made.shut_down(60_000)


@pytest.fixture
def adapter(tmp_path: Path) -> Callable[[str, int], Path]:
    """Writes an adapter that names its base, for a model of that width."""

    def write(base: str, width: int) -> Path:
        import torch
        from safetensors.torch import save_file

        folder = tmp_path / "style"
        folder.mkdir()
        name = "base_model.model.transformer.h.0.attn.c_attn.lora_"
        save_file({f"{name}A.weight": torch.ones(1, width), f"{name}B.weight": torch.ones(3 * width, 1)},
                  folder / "adapter_model.safetensors")  # fmt: skip
        settings = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "base_model_name_or_path": base}
        (folder / "adapter_config.json").write_text(json.dumps(settings))
        return folder

    return write


def offered(models: ModelLibrary, path: Path, qtbot: QtBot) -> ImportDialog:
    window = QWidget()
    qtbot.addWidget(window)
    ModelImports(models, window).offer(path)
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None)
    dialog = window.findChild(ImportDialog)
    assert dialog is not None
    return dialog


def words(dialog: ImportDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel) if not label.isHidden())


def test_the_base_that_the_adapter_names_is_chosen_and_merged(
    models: ModelLibrary, adapter: Callable[[str, int], Path], qtbot: QtBot, folders: Folders
) -> None:
    dialog = offered(models, adapter("second", 48), qtbot)
    assert [dialog.base.itemText(index) for index in range(dialog.base.count())] == ["second", "first"]
    assert "is not here" not in words(dialog)
    assert "It is merged with its base model" in words(dialog)
    with qtbot.waitSignal(models.arrived) as arrived:
        QTest.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    assert arrived.args == ["style"]
    assert (folders.models / "style" / "model.safetensors").is_file()


def test_another_base_can_be_chosen_where_the_one_it_names_is_not_here(
    models: ModelLibrary, adapter: Callable[[str, int], Path], qtbot: QtBot
) -> None:
    dialog = offered(models, adapter("someone/else", 48), qtbot)
    assert "The adapter was trained on someone/else, which is not here." in words(dialog)
    dialog.base.setCurrentIndex(1)
    with qtbot.waitSignal(models.arrived):
        QTest.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)


def test_without_a_model_that_it_fits_there_is_a_sentence_and_nothing_to_import(
    models: ModelLibrary, adapter: Callable[[str, int], Path], qtbot: QtBot
) -> None:
    dialog = offered(models, adapter("gpt2", 40), qtbot)
    assert "No model here has the shape that the adapter needs; download gpt2 first." in words(dialog).replace(
        "\u200b", ""
    )
    assert not dialog.accept_button.isEnabled()
    dialog.name.setText("anything")
    assert not dialog.accept_button.isEnabled()
    dialog.reject()


def test_a_whole_model_is_asked_for_no_base(folders: Folders, tiny_model_folder: Path, qtbot: QtBot) -> None:
    dialog = ImportDialog(look_at(folders, tiny_model_folder), ())
    qtbot.addWidget(dialog)
    assert "Base model" not in words(dialog)
    assert dialog.base.count() == 0


def test_every_format_is_offered_where_files_are_chosen_and_dropped(
    models: ModelLibrary, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    filters: list[str] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: filters.append(arguments[-1]) or ("", ""))
    ModelImports(models, window).ask_for_file()
    shown = " ".join(label.text() for label in DropFrame(window).findChildren(QLabel)).lower()
    for format in FORMATS:
        assert format.label.lower() in shown
        assert all(pattern in filters[0] for pattern in format.patterns)
