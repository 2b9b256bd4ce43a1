"""The blind vote of ``gptdesk compare --vote``, the wins so far, and their export."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.files import write_bytes
from gptdesk.folders import Folders, ensure_folder

if TYPE_CHECKING:
    from gptdesk.compare.results import Results
    from gptdesk.compare.votes import Tally

_LETTERS: Final = "ABCD"
_TIE, _SKIP, _END = "=", "s", "q"


def votes_file() -> Path:
    """Where votes are kept."""
    from gptdesk.compare.votes import FILE

    return ensure_folder(Folders.of_this_user().data) / FILE


class BlindVote:
    """Asks which completion is the best, prompt by prompt, and keeps the answers.

    Attributes:
        ended: whether the person wants to see no more.
    """

    def __init__(self) -> None:
        from gptdesk.compare.votes import read_votes

        self.ended = False
        self._path = votes_file()
        read_votes(self._path)  # what cannot be used is said before anything is computed

    def ask(self, results: Results, prompt: int) -> None:
        """Shows the completions of a prompt without names, takes a choice, keeps it, and names them.

        Raises:
            UserError: as `add_vote`.
        """
        from gptdesk.compare.votes import add_vote, new_vote, shuffled

        cells = list(results.row(prompt).items())
        if self.ended or len(cells) < 2:
            return
        cells = [cells[place] for place in shuffled(len(cells))]
        print(f"=== prompt {prompt + 1:,} of {len(results.prompts):,}\n{results.prompts[prompt]}")
        for letter, (_, cell) in zip(_LETTERS, cells, strict=False):
            print(f"--- {letter}\n{cell.text}")
        answer = self._answer(_LETTERS[: len(cells)])
        if answer in (_SKIP, _END):
            self.ended = answer == _END
            return
        choice = None if answer == _TIE else _LETTERS.index(answer)
        models = [results.columns[column].description for column, _ in cells]
        add_vote(self._path, new_vote(models, choice, prompt=results.prompts[prompt], seed=cells[0][1].seed))
        for letter, (column, _) in zip(_LETTERS, cells, strict=False):
            print(f"{letter} is {results.columns[column].label}")

    def _answer(self, letters: str) -> str:
        while True:
            print(f"Which is best: {', '.join(letters)}, = for none, s to skip, q to end? ", end="", flush=True)
            line = _line()
            answer = line.strip()
            if not line:
                print()
                return _END
            if answer.upper() in list(letters):
                return answer.upper()
            if answer.lower() in (_TIE, _SKIP, _END):
                return answer.lower()


def _line() -> str:
    """A line of standard input; empty at its end and after Ctrl+C, which nothing else would notice meanwhile."""
    if sys.stdin is None:
        return ""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        return sys.stdin.readline()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return sys.stdin.readline()
    except KeyboardInterrupt:
        return ""
    finally:
        signal.signal(signal.SIGINT, before)


def print_wins() -> None:
    """Prints the wins so far.

    Raises:
        UserError: when the file of votes cannot be used.
    """
    from gptdesk.compare.votes import read_votes, tallies

    found = tallies(read_votes(votes_file()))
    if not found:
        print("There is no vote yet.")
    for tally in found:
        sys.stdout.writelines(_tally_lines(tally))


def export_votes(path: Path) -> None:
    """Writes all votes to a .csv or .json file.

    Raises:
        UserError: when the file of votes cannot be used, or ``path`` not be written.
    """
    from gptdesk.compare.votes import read_votes, votes_as_csv

    kept = votes_file()
    votes = read_votes(kept)
    if not votes:
        raise UserError("There is no vote yet, so there is nothing to export.")
    try:
        csv = path.suffix.lower() == ".csv"
        write_bytes(path, "".join(votes_as_csv(votes)).encode() if csv else kept.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror or error}).") from error


def _tally_lines(tally: Tally) -> Iterator[str]:
    yield f"{tally.decided:,} decided, {tally.undecided:,} undecided\n"
    for one in tally.wins:
        share = f"{one.wins / tally.decided:.0%}" if tally.decided else "-"
        yield f"  {one.wins:5,} {share:>5}  95 %: {one.low:.0%} to {one.high:.0%}  {one.model}\n"
