"""Commands of the Train page: new run, requests and actions on the selected run or data, charts, side panel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence

from gptdesk.ui.train.charts.commands import NO_RUN, chart_commands
from gptdesk.ui.train.command_table import DATA, DATA_ENTRIES, REQUEST_TITLES, RUN, RUN_ENTRIES, SCOPE, TABS
from gptdesk.ui.train.runs.request_labels import TITLES
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

if TYPE_CHECKING:
    from gptdesk.ui.train.view import TrainView

View = Callable[[], "TrainView | None"]


def train_commands(view: View, show: View, new_run: Callable[[], object]) -> list[Command]:
    """The commands of the page.

    Args:
        view: returns the page's view; ``None`` until it is made.
        show: shows the page and returns its view.
        new_run: opens the sheet of a new run.
    """

    act = on_view(show)

    def why_not(of: Callable[[TrainView], Callable[[str], str | None]], name: str) -> Callable[[], str | None]:
        return lambda: of(made)(name) if (made := view()) is not None else NO_RUN

    def why_not_open() -> str | None:
        return made.why_not_open() if (made := view()) is not None else NO_RUN

    return [
        Command(
            id="run.new",
            title="New run…",
            description="Set up a training run: data, model and settings",
            run=new_run,
            group="new",
            shortcuts=(QKeySequence.StandardKey.New,),
            scope=SCOPE,
        ),
        Command(
            id="run.example",
            title="New run on Shakespeare…",
            description="Set up a training run on a small text that comes with gptdesk",
            run=act(lambda made: made.new_runs.open_on_example()),
        ),
        *(
            Command(
                id=f"run.{name}",
                title=title,
                description=TITLES[name].description,
                label=partial(_request_label, view, name),
                run=act(lambda made, name=name: made.requests.ask(name)),  # type: ignore[misc]
                scope=f"{SCOPE}.{RUN}",
                is_possible=why_not(lambda made: made.requests.why_not, name),
            )
            for name, title in REQUEST_TITLES.items()
        ),
        Command(
            id="run.change",
            title="Change while training…",
            description="Change intervals or the learning rate of the active run",
            run=act(lambda made: made.requests.change_settings()),
            is_possible=why_not(lambda made: made.requests.why_not, "change"),
        ),
        Command(
            id="run.abort",
            title="Abort without saving…",
            description="End the run at once; steps since its last checkpoint are lost",
            run=act(lambda made: made.requests.abort()),
            is_possible=why_not(lambda made: made.requests.why_not, "abort"),
        ),
        Command(
            id="run.restart",
            title="Resume training",
            description="Resume a run that has ended from its newest checkpoint",
            label=partial(_request_label, view, "restart"),
            run=act(lambda made: made.requests.restart()),
            is_possible=why_not(lambda made: made.requests.why_not, "restart"),
        ),
        *(
            entry.command(
                f"run.{entry.name}",
                act(lambda made, name=entry.name: made.run_actions.run(name)),  # type: ignore[misc]
                scope=f"{SCOPE}.{RUN}",
                is_possible=why_not(lambda made: made.run_actions.why_not, entry.name),
                checked=_checks(view).get(entry.name),
            )
            for entry in RUN_ENTRIES
        ),
        *(
            Command(
                id=f"data.{entry.name}",
                title=entry.title,
                description=entry.description,
                label=partial(_data_label, view, entry.name, entry.label),
                run=act(lambda made, name=entry.name: made.data_actions.run(name)),  # type: ignore[misc]
                shortcuts=entry.shortcuts,
                scope=f"{SCOPE}.{DATA}",
                is_possible=why_not(lambda made: made.data_actions.why_not, entry.name),
            )
            for entry in DATA_ENTRIES
        ),
        Command(
            id="run.open",
            title="Open in Playground",
            description="Use the checkpoint nearest to the shown sample in the Playground",
            run=act(lambda made: made.panel.samples.open_target()),
            is_possible=why_not_open,
        ),
        Command(
            id="run.chat",
            title="Chat with this checkpoint",
            description="Use the checkpoint nearest to the shown sample, with its chat template, on the Chat page",
            run=act(lambda made: made.chat()),
            is_possible=why_not_open,
        ),
        Command(
            id="run.inspect",
            title="Inspect this checkpoint",
            description="Show what the layers of the checkpoint nearest to the shown sample make of the text; a slider "
            "walks to the others",
            run=act(lambda made: made.inspect()),
            is_possible=why_not_open,
        ),
        Command(
            id="run.report",
            title="Copy crash report",
            description="Copy the cause of the crash, the traceback and the last output",
            label=lambda: "Copy report",
            run=act(lambda made: made.dashboard.crash.copy_report()),
            is_possible=lambda: made.why_no_report() if (made := view()) is not None else NO_RUN,
        ),
        *_tab_commands(view, act),
        *chart_commands(
            lambda: made.charts if (made := view()) is not None else None,
            lambda: made.charts if (made := show()) is not None else None,
        ),
        Command(
            id="runs.watch",
            title="Watch another folder…",
            description="Also list the runs of another folder",
            run=act(lambda made: made.run_actions.ask_for_folder()),
        ),
        Command(
            id="runs.search",
            title="Search runs",
            description="Go to the search field of the run list",
            run=act(lambda made: made.runs.focus_search()),
            shortcuts=(QKeySequence.StandardKey.Find,),
            scope=SCOPE,
            is_possible=why_not(lambda made: made.runs.why_not, "search"),
        ),
    ]


def _tab_commands(view: View, act: Callable[[Callable[[TrainView], object]], Callable[[], object]]) -> list[Command]:
    """One command a tab of the side panel."""

    def is_shown(tab: str) -> bool:
        made = view()
        return made is not None and made.panel.tab == tab

    def why_not() -> str | None:
        made = view()
        return NO_RUN if made is None or made.charts is None else None

    return [
        Command(
            id=f"panel.{tab}",
            title=title,
            description=description,
            submenu="Panel of the run",
            run=act(lambda made, tab=tab: made.panel.show_tab(tab)),  # type: ignore[misc]
            checked=partial(is_shown, tab),
            is_possible=why_not,
        )
        for tab, (title, description) in TABS.items()
    ]


def _checks(view: View) -> dict[str, Callable[[], bool]]:
    """Whether a command is switched on, for those that are switches."""

    def is_pinned() -> bool:
        made = view()
        return made is not None and made.run_actions.is_pinned

    def is_followed() -> bool:
        made = view()
        return made is not None and made.run_actions.is_followed

    return {"pin": is_pinned, "follow": is_followed}


def _request_label(view: View, name: str) -> str:
    made = view()
    return (
        made.requests.label(name) if made is not None else TITLES[name].label if name in TITLES else "Resume training"
    )


def _data_label(view: View, name: str, usual: str) -> str:
    made = view()
    return (made.data_actions.label(name) if made is not None else "") or usual
