"""The commands on the chosen model: names, titles, descriptions, keys; and ids by which views find their actions."""

from __future__ import annotations

from typing import Final

from gptdesk.ui.window.commands.entries import Entry

SCOPE: Final = "models"


MODEL_ENTRIES: Final = (
    Entry("unload", "Unload model", "Unload", "Free the memory of the model; it is loaded again when it is needed"),
    Entry("verify", "Verify model", "Verify", "Read the files again and compare them with their hashes", ("Ctrl+E",)),
    Entry("rename", "Rename model…", "Rename…", "Give the model another name", ("F2",)),
    Entry(
        "keep",
        "Copy model to gptdesk's models",
        "Copy to gptdesk's models",
        "Copy the model from the cache of Hugging Face, and check it",
    ),
    Entry("card", "Open model card", "Model card", "Open the model's page on the web"),
    Entry("folder", "Show model in file manager", "Show in file manager", "Open the folder of the model"),
    Entry("export", "Export model folder…", "Export folder…", "Copy the model to a folder that transformers can load"),
    Entry("gguf", "Export GGUF…", "Export GGUF…", "Write one file for llama.cpp and the programs built on it"),
    Entry(
        "remove",
        "Remove model…",
        "Remove…",
        "Remove the model from this computer",
        ("Del",),
    ),
)


def model_id(name: str) -> str:
    """Id of the command that `ModelActions` calls so."""
    return f"model.{name}"


ON_MODEL: Final = tuple(model_id(entry.name) for entry in MODEL_ENTRIES)
"""Ids of the commands on the chosen model, in the order of its menu."""

IMPORTS: Final = ("models.import_folder", "models.import_file")
"""Ids of the commands of the button Import."""
