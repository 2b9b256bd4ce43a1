"""Commands of the Compare page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from gptdesk.compare.columns import MOST
from gptdesk.ui.compare.columns.colouring import COLOURINGS
from gptdesk.ui.compare.files import CompareFiles
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.services.comparison.service import ComparisonService
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

if TYPE_CHECKING:
    from gptdesk.ui.compare.view import CompareView

SCOPE: Final = "compare"


def compare_commands(
    service: ComparisonService,
    session: CompareSession,
    files: CompareFiles,
    show: Callable[[], CompareView | None],
    colours: Callable[[], str],
) -> list[Command]:
    """The commands; on another page they show this one first.

    Args:
        show: shows the page and returns its view; ``None`` if it could not be made.
        colours: returns the id of the colouring in use.
    """
    return [
        *_run_commands(service, session, show),
        *_prompt_commands(session, files),
        *_vote_commands(session, files, show),
        *_colour_commands(show, colours),
        Command(
            id="compare.export",
            title="Export comparison…",
            description="Write texts, figures and distributions to a web page with colours, CSV or JSON",
            run=files.ask_export,
            label=lambda: "Export…",
            is_possible=lambda: (
                None if service.results is not None and service.results.cells else "Nothing was compared yet."
            ),
        ),
    ]


def _run_commands(
    service: ComparisonService, session: CompareSession, show: Callable[[], CompareView | None]
) -> list[Command]:
    act = on_view(show)
    return [
        Command(
            id="compare.run",
            title="Compare",
            description="Complete the prompts by each column with the same random numbers, and compare the texts",
            run=act(lambda _: session.run()),
            shortcuts=("Ctrl+Return", "Ctrl+Enter"),
            scope=SCOPE,
            is_possible=session.why_not_run,
        ),
        Command(
            id="compare.stop",
            title="Stop comparing",
            description="Stop the comparison; what was found so far stays",
            run=service.stop,
            shortcuts=("Esc",),
            scope=SCOPE,
            is_possible=lambda: None if service.busy else "Nothing is being compared.",
        ),
        Command(
            id="compare.add_column",
            title="Add column",
            description="Compare with another model, checkpoint, precision or settings",
            run=act(lambda _: session.add_column()),
            is_possible=session.why_not_add,
        ),
        Command(
            id="compare.remove_column",
            title="Remove the last column",
            description="Take the last column away",
            run=act(lambda _: session.remove_column(len(session.choices) - 1)),
            is_possible=session.why_not_remove,
        ),
    ]


def _prompt_commands(session: CompareSession, files: CompareFiles) -> list[Command]:
    return [
        Command(
            id="compare.open",
            title="Open a list of prompts…",
            description="Compare on the prompts of a file: JSON lines, JSON, CSV, or text with one on each line",
            run=files.ask_prompts,
            label=lambda: "List…",
        ),
        Command(
            id="compare.previous",
            title="Previous prompt",
            description="Show the former prompt of the list with its texts",
            run=lambda: session.go(-1),
            shortcuts=("Ctrl+PgUp",),
            scope=SCOPE,
            is_possible=lambda: session.why_not_go(-1),
        ),
        Command(
            id="compare.next",
            title="Next prompt",
            description="Show the next prompt of the list with its texts",
            run=lambda: session.go(1),
            shortcuts=("Ctrl+PgDown",),
            scope=SCOPE,
            is_possible=lambda: session.why_not_go(1),
        ),
    ]


def _vote_commands(
    session: CompareSession, files: CompareFiles, show: Callable[[], CompareView | None]
) -> list[Command]:
    act = on_view(show)
    return [
        Command(
            id="compare.blind",
            title="Blind vote",
            description="Show the texts shuffled and without names until you have chosen the better one",
            run=act(lambda _: session.set_blind(not session.blind)),
            checked=lambda: session.blind,
        ),
        *(
            Command(
                id=f"compare.vote_{place + 1}",
                title=f"Prefer text {place + 1}",
                description=f"Vote for text {place + 1}, and show which column it is (or press {place + 1} in a text)",
                run=act(lambda _, place=place: session.votes.vote(place)),  # type: ignore[misc]
                shortcuts=(f"Alt+{place + 1}",),
                scope=SCOPE,
                is_possible=partial(session.votes.why_not, place),
            )
            for place in range(MOST)
        ),
        Command(
            id="compare.vote_tie",
            title="Prefer no text",
            description="Vote that none is better, and show which column each is (or press 0 in a text)",
            run=act(lambda _: session.votes.vote(None)),
            shortcuts=("Alt+0",),
            scope=SCOPE,
            is_possible=lambda: session.votes.why_not(None),
        ),
        Command(
            id="compare.export_votes",
            title="Export votes…",
            description="Write all blind votes to a file, as CSV or JSON",
            run=files.ask_export_votes,
            is_possible=lambda: None if session.votes.tallies else "There is no vote yet.",
        ),
    ]


def _colour_commands(show: Callable[[], CompareView | None], colours: Callable[[], str]) -> list[Command]:
    act = on_view(show)
    return [
        Command(
            id=f"compare.colours_{one.id}",
            title=one.title,
            description=one.description,
            submenu="Colours of the comparison",
            run=act(lambda view, id=one.id: view.choose_colouring(id)),  # type: ignore[misc]
            checked=lambda id=one.id: colours() == id,  # type: ignore[misc]
        )
        for one in COLOURINGS
    ]
