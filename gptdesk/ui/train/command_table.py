"""The commands on the chosen run or data: names, titles, descriptions, keys; and ids for menus and buttons."""

from __future__ import annotations

from typing import Final

from gptdesk.ui.window.commands.entries import Entry

SCOPE: Final = "train"
RUN, DATA = "run", "data"
"""Parts of the page (`Commands.set_part`): a run is chosen, or data in preparation."""


_DELETE: Final = ("Del",)

RUN_ENTRIES: Final = (
    Entry("rename", "Rename run…", "Rename…", "Give the run another name", ("F2",)),
    Entry("tags", "Tag run…", "Tags…", "Give the run tags to search for", ("Ctrl+T",)),
    Entry(
        "pin",
        "Pin run",
        "Pin",
        "Keep the run on top of the list, and draw its curves beside those of other runs",
        ("Ctrl+D",),
    ),
    Entry("folder", "Open run folder", "Open folder", "Open the folder of the run in the file manager"),
    Entry("delete", "Delete run…", "Delete…", "Delete the run with its checkpoints", ("Del",)),
)

DATA_ENTRIES: Final = (
    Entry("use", "New run with this data", "New run with this data", "Train on the chosen data"),
    Entry(
        "pause", "Pause or resume preparation", "Pause", "Hold the preparation of the data, or resume it", ("Ctrl+P",)
    ),
    Entry("folder", "Open data folder", "Open folder", "Open the folder of the data in the file manager"),
    Entry(
        "cancel",
        "Cancel preparation…",
        "Cancel…",
        "Stop preparing the data and remove what is done so far",
        _DELETE,
    ),
    Entry("leave_out", "Remove data from list", "Remove from list", "The data stays and can be chosen for a new run"),
    Entry("forget", "Do not start the waiting run", "Do not start the run", "Prepare the data without starting a run"),
)

REQUEST_TITLES: Final = {
    "pause": "Pause run",
    "resume": "Resume paused run",
    "checkpoint": "Save checkpoint now",
    "evaluate": "Evaluate now",
    "sample": "Sample now…",
    "stop": "Stop run and save",
}
"""Titles in the palette of the buttons below the charts."""

ON_RUN: Final = tuple(f"run.{entry.name}" for entry in RUN_ENTRIES)
ON_DATA: Final = tuple(f"data.{entry.name}" for entry in DATA_ENTRIES)
REQUESTS: Final = tuple(f"run.{name}" for name in (*REQUEST_TITLES, "change", "abort", "restart"))
"""Ids of the commands, in the order of their menus."""
