"""Text that ends with its first sentence, paragraph or line."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.stopping import Stopping
from gptdesk.inference.until import UNITS

SENTENCES = [
    (" went home. Then", " went home."),
    ("Stop! Now", "Stop!"),
    ("Why?! Because", "Why?!"),
    ('"Go." She went', '"Go."'),
    ("“Go!” She went", "“Go!”"),
    ("(It was so.) She went", "(It was so.)"),
    ("**Bold.** She went", "**Bold.**"),
    ('"What?" he said. Then', '"What?" he said.'),
    ("Well… perhaps. So", "Well… perhaps."),
    ("Well... She", "Well..."),
    ("It costs 3.14 dollars. Then", "It costs 3.14 dollars."),
    ("Mr. Smith met Dr. J. Jones. They", "Mr. Smith met Dr. J. Jones."),
    ("Fruit, e.g. Apples. They", "Fruit, e.g. Apples."),
    ("It was I. Then", "It was I."),
    ("See gptdesk.py now. Then", "See gptdesk.py now."),
    ("One.\nTwo", "One."),
    ("One.\n\ntwo", "One."),
    ("A heading\n\nText", "A heading"),
    ("A line\nand more. Then", "A line\nand more."),
    ("\n\nOne. Two", "\n\nOne."),
    ("彼は行った。彼女", "彼は行った。"),
    ("「行け。」彼は", "「行け。」"),
    ("He saw 3. 4 came", "He saw 3."),
]
BREAKS = [
    ("paragraph", "One. Two\nthree.\n\nFour", "One. Two\nthree."),
    ("paragraph", "\n\nOne\n \nTwo", "\n\nOne"),
    ("paragraph", "One  \n\nTwo", "One"),
    ("line", "One. Two\nthree", "One. Two"),
    ("line", "\nOne \n", "\nOne"),
    ("line", "One\r\nTwo", "One"),
]


def _passed(pieces: Sequence[str], until: str, stop: Sequence[str] = ()) -> tuple[list[str], bool]:
    stopping, passed = Stopping(stop, until), []
    for piece in pieces:
        passed.append(stopping.feed(piece))
        if stopping.found:
            return passed, True
    return [*passed, stopping.flush()], stopping.found


@pytest.mark.parametrize(("unit", "text", "expected"), [*(("sentence", *one) for one in SENTENCES), *BREAKS])
def test_a_unit_ends_where_a_reader_would_end_it(unit, text, expected):
    assert _passed([text], unit) == ([expected], True)
    passed, found = _passed([*text], unit)
    assert ("".join(passed), found) == (expected, True)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("text", ["", " ", "\n\n", "One", "One.", "One. ", 'One."', "e.g. this"])
def test_a_text_without_an_end_comes_through_whole(unit, text):
    passed, found = _passed([*text], unit)
    assert ("".join(passed), found) == (text, False)


@settings(max_examples=500)
@given(st.lists(st.text("aB .!\n\"'。」", max_size=6), max_size=12), st.sampled_from(UNITS))
def test_the_pieces_change_nothing_and_no_cut_character_was_shown(pieces, unit):
    whole = "".join(pieces)
    (at_once, found), (streamed, again) = _passed([whole], unit), _passed(pieces, unit)
    assert ("".join(streamed), again) == ("".join(at_once), found)
    assert whole.startswith("".join(at_once))
    assert found or "".join(at_once) == whole


@settings(max_examples=100)
@given(st.text("aB .\n", max_size=20), st.sampled_from(UNITS))
def test_only_white_space_is_held_back(text, unit):
    stopping, passed = Stopping((), unit), ""
    for end, character in enumerate(text, start=1):
        passed += stopping.feed(character)
        if stopping.found:
            return
        assert passed.rstrip() == text[:end].rstrip()


def test_the_first_of_stop_string_and_unit_ends_the_text():
    assert _passed([*"One STOP. Two"], "sentence", ["STOP"])[0][-1] == " "
    assert "".join(_passed([*"One STOP. Two"], "sentence", ["STOP"])[0]) == "One "
    assert "".join(_passed([*"One. Two STOP"], "sentence", ["STOP"])[0]) == "One."


def test_an_unknown_unit_is_refused_with_those_that_exist():
    with pytest.raises(UserError, match=r"until must be max tokens, sentence, paragraph or line, not 'page'\."):
        DecodingSettings(until="page")
    assert DecodingSettings.from_json(DecodingSettings(until="line").to_json()).until == "line"
