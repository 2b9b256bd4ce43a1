"""Commands of the Train page on the selected run or data: names, titles, descriptions, keys; ids for menus."""

from __future__ import annotations

from typing import Final

from gptdesk.ui.window.commands.entries import Entry

SCOPE: Final = "train"
RUN, DATA = "run", "data"
"""Parts of the page (`Commands.set_part`): a run is selected, or data in preparation."""


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
    Entry("delete", "Delete run…", "Delete…", "Delete the run with its checkpoints", _DELETE),
    Entry(
        "follow",
        "Follow run",
        "Follow this run",
        "Load each new checkpoint of the run on the page that you come from, Playground or Chat; text and seed stay as "
        "they are. Off: both keep the checkpoint that they have",
    ),
    Entry("compare", "Compare checkpoints", "Compare checkpoints", "Put checkpoints of the run side by side"),
)

DATA_ENTRIES: Final = (
    Entry("use", "New run with this data", "New run with this data", "Train on the selected data"),
    Entry(
        "pause", "Pause or resume preparation", "Pause", "Pause the preparation of the data, or resume it", ("Ctrl+P",)
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
"""Titles in the palette of the requests, which have buttons below the charts."""

REQUESTS: Final = tuple(f"run.{name}" for name in (*REQUEST_TITLES, "change", "abort", "restart"))
"""Ids of the requests to a run, in the order of their menu."""

TABS: Final = {
    "samples": ("Samples", "Show what the run has generated at each evaluation"),
    "console": ("Console", "Show what the trainer prints"),
    "events": ("Events", "Show the events that the trainer has recorded"),
}
"""Titles and descriptions of the tabs of the side panel, in their order."""
