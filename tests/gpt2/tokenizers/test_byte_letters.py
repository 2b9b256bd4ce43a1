"""The letters of byte-level vocabularies."""

import pytest

from gptdesk.gpt2.tokenizers.byte_letters import byte_letters, letters_to_bytes


def test_each_byte_has_a_letter_of_its_own_that_stands_for_it() -> None:
    letters = "".join(byte_letters()[byte] for byte in range(256))
    assert len(set(letters)) == 256
    assert letters_to_bytes(letters) == bytes(range(256))
    assert letters_to_bytes("ĠthereĊ") == b" there\n"


@pytest.mark.parametrize("character", [" ", "\n", "\0", "\x7f", "\xa0", "\xad", "\u0144", "\u4e2d", "\ud800", "😀"])
def test_a_character_that_is_no_letter_makes_the_text_stand_for_no_bytes(character: str) -> None:
    assert letters_to_bytes("a" + character) is None
