"""Table of the commands on the selected model: names, titles, descriptions, shortcuts, ids."""

from __future__ import annotations

from typing import Final

from gptdesk.ui.window.commands.entries import Entry

SCOPE: Final = "models"


MODEL_ENTRIES: Final = (
    Entry("unload", "Unload model", "Unload", "Free the memory of the model; choose it again to load it"),
    Entry("pin", "Pin model in memory", "Pin in memory", "Keep the model in memory, even while no page uses it"),
    Entry("unpin", "Unpin model", "Unpin", "Let the model be unloaded while no page uses it, or when memory is short"),
    Entry(
        "verify", "Verify model", "Verify", "Hash the files and compare the hashes with the recorded ones", ("Ctrl+E",)
    ),
    Entry("rename", "Rename model…", "Rename…", "Give the model another name", ("F2",)),
    Entry(
        "keep",
        "Copy model to gptdesk's models",
        "Copy to gptdesk's models",
        "Copy the model from the Hugging Face cache, and verify it",
    ),
    Entry("compare", "Compare model", "Compare", "Put the model beside another one on the Compare page"),
    Entry("card", "Open model card", "Model card", "Open the model card in the browser"),
    Entry("folder", "Show model in file manager", "Show in file manager", "Open the folder of the model"),
    Entry("export", "Export model folder…", "Export folder…", "Copy the model to a folder that transformers can load"),
    Entry("gguf", "Export GGUF…", "Export GGUF…", "Write one file for llama.cpp and programs that use it"),
    Entry(
        "remove",
        "Remove model…",
        "Remove…",
        "Remove the model from this computer",
        ("Del",),
    ),
)


def model_id(name: str) -> str:
    """Id of the command that `ModelActions` knows by that name."""
    return f"model.{name}"


ON_MODEL: Final = tuple(model_id(entry.name) for entry in MODEL_ENTRIES)
"""Ids of the commands on the selected model, in menu order."""

IMPORTS: Final = ("models.import_folder", "models.import_file")
"""Ids of the commands in the menu of the Import button."""
