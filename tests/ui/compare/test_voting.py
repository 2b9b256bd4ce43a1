"""Blind votes on the page: no name before the vote, wins with their interval, exports, files of another version."""

import csv
import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gptdesk.compare.votes import FILE, read_votes
from gptdesk.compare.wilson import wilson_interval
from tests.ui.compare.conftest import CompareDriver


def names(compare: CompareDriver) -> list[str]:
    """What stands above the texts: names, or nothing where choosers are."""
    return [column.name.text() for column in compare.columns]


def test_texts_have_no_names_until_one_is_chosen_and_wins_are_kept(compare: CompareDriver, tmp_path: Path) -> None:
    commands, data = compare.opened.window.commands, compare.opened.services.folders.data
    compare.prompts("Once upon a time", "The house was", "A dog")
    assert commands.run("compare.blind")
    compare.view.prompt.field.setFocus()
    compare.run()
    assert names(compare) == ["Text 1", "Text 2"]
    assert not any(column.model.isVisible() or column.settings.isVisible() for column in compare.columns)
    assert compare.view.vote.buttons[0].isVisible()
    assert not compare.view.panel.figures.isVisible()
    results, order = compare.service.results, compare.session.order
    assert compare.texts == [results.cells[0, column].text for column in order]

    # A number in a text is a vote; afterwards the texts have names.
    QTest.keyClick(compare.columns[0].text, Qt.Key.Key_2)
    compare.qtbot.waitUntil(lambda: not compare.session.votes.is_hidden)
    assert names(compare) == ["", ""]
    assert all(column.model.isVisible() for column in compare.columns)
    assert compare.texts == [results.cells[0, column].text for column in range(2)]
    words = {order[0]: "Was text 1", order[1]: "Was text 2, preferred"}
    assert [column.state.text() for column in compare.columns] == [words[0], words[1]]
    preferred = results.columns[order[1]].description
    vote = read_votes(data / FILE)[0]
    assert vote.models[vote.choice] == preferred  # type: ignore[index]
    assert (vote.prompt, vote.seed) == ("Once upon a time", 5)
    assert commands.reason("compare.vote_1") == "You have voted on this prompt."
    assert compare.view.panel.figures.isVisible()

    # The next prompt is blind again; none is better.
    assert commands.run("compare.next")
    assert names(compare) == ["Text 1", "Text 2"]
    assert commands.run("compare.vote_tie")
    compare.qtbot.waitUntil(lambda: len(read_votes(data / FILE)) == 2)
    compare.qtbot.waitUntil(lambda: not compare.session.votes.is_hidden)
    rows = compare.table(compare.view.panel.wins)
    low, high = wilson_interval(1, 1)
    assert rows[0] == [preferred, "1", "100 %", f"{100 * low:.0f}–{100 * high:.0f}"]
    assert rows[2][:2] == ["None of them", "1"]

    # Both exports; then Blind off names what was not voted on.
    compare.page.files.export_votes(tmp_path / "votes.csv")
    compare.qtbot.waitUntil((tmp_path / "votes.csv").exists)
    with (tmp_path / "votes.csv").open(newline="") as file:
        assert [row["preferred"] for row in csv.DictReader(file)] == [preferred, ""]
    compare.page.files.export_votes(tmp_path / "votes.txt")
    assert "must end in .csv or .json" in compare.banner()
    assert commands.run("compare.next")
    assert compare.session.votes.is_hidden
    assert commands.run("compare.blind")
    assert not compare.session.votes.is_hidden
    assert commands.reason("compare.vote_1") == "Switch Blind on and compare first."


def test_votes_of_another_version_are_one_sentence_and_stay(compare: CompareDriver) -> None:
    path = compare.opened.services.folders.data / FILE
    path.write_text(json.dumps({"format": "gptdesk votes", "version": 99, "votes": []}))
    before = path.read_bytes()
    compare.opened.window.commands.run("compare.blind")
    compare.run()
    compare.opened.window.commands.run("compare.vote_1")
    compare.qtbot.waitUntil(lambda: "of another version" in compare.banner())
    assert compare.session.votes.is_hidden
    assert path.read_bytes() == before
