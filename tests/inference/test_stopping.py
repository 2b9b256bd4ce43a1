"""Stop strings in streamed text, against a search character by character."""

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gptdesk.inference.stopping import StopStrings

text = st.text("ab\n", max_size=30)
stop_strings = st.lists(st.text("ab\n", min_size=1, max_size=5), max_size=4)


def _expected(whole: str, strings: list[str]) -> tuple[str, bool]:
    """Character by character: as soon as the text ends with a stop string, it is cut before the longest that does."""
    for end in range(1, len(whole) + 1):
        complete = [len(string) for string in strings if whole[:end].endswith(string)]
        if complete:
            return whole[: end - max(complete)], True
    return whole, False


@settings(max_examples=500)
@given(text, st.lists(st.integers(0, 30)), stop_strings)
@example("xabcd", [], ["abcd", "bc"])
@example("xabc", [], ["bc", "abc"])
def test_text_ends_before_the_first_stop_string_whatever_the_pieces(whole, cuts, strings):
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    stops, through = StopStrings(strings), ""
    for start, end in pairwise(places):
        through += stops.feed(whole[start:end])
        if stops.found:
            break
    through += stops.flush()
    assert (through, stops.found) == _expected(whole, strings)


@given(text, stop_strings)
def test_only_the_beginning_of_a_stop_string_is_held_back(whole, strings):
    stops, through = StopStrings(strings), ""
    for end, character in enumerate(whole, start=1):
        through += stops.feed(character)
        if stops.found:
            break
        beginnings = [whole[start:end] for start in range(end + 1)]
        held = max(len(b) for b in beginnings if b == "" or any(s.startswith(b) for s in strings))
        assert through == whole[: end - held]


def test_without_stop_strings_everything_comes_through_at_once():
    stops = StopStrings([])
    assert stops.feed("some text") == "some text"
    assert stops.flush() == ""
