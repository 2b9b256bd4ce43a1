"""Special tokens in documents: edited, undone, saved, exported, and written by a model."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.gpt2.tokenizer import TextStream, Tokenizer
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.events import TokenEvent
from gptdesk.inference.stopping import StopStrings
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.export.html import to_html
from gptdesk.store.export.json import to_json
from gptdesk.store.runs import Origin, Token
from gptdesk.store.special_stream import SpecialTokenStream
from tests.gpt2.tokenizers.folders import make_folder

END, USER = "<|endoftext|>", "<|user|>"


def insert(document: Document, place: int, name: str) -> None:
    document.replace(place, place, PLACEHOLDER, special=(name,))


def example() -> Document:
    """One token of a person's, one of a model's, and a name that is text."""
    document = Document()
    document.replace(0, 0, f"say {END} ")
    insert(document, len(document.text), END)
    document.begin_generation(Origin(generation="g", model="tiny", tokenizer="abc"))
    tokens = [Token(1, 2, -1.0), Token(50256, 1, -2.0), Token(2, 1, -1.0)]
    document.append_tokens(f"Hi{PLACEHOLDER}!", tokens, special=(USER,))
    document.end_generation("length", seed=1)
    return document


def test_a_special_token_is_one_character_that_edits_and_undo_keep() -> None:
    document = example()
    assert document.mixed == MixedText(f"say {END} {PLACEHOLDER}Hi{PLACEHOLDER}!", (END, USER))
    end = len(document.text)
    document.replace(0, 0, "x", typing=True)
    assert document.mixed.names == (END, USER)
    document.replace(end - 1, end, "")  # the model's, a whole token of the run
    assert document.mixed.names == (END,)
    assert [run.text for run in document.runs if run.generated] == ["Hi", "!"]
    document.undo()
    assert document.mixed.names == (END, USER)
    document.undo()
    document.undo()  # the generation
    document.undo()
    assert document.mixed == MixedText(f"say {END} ")
    document.redo()
    assert document.mixed.names == (END,)


def test_a_placeholder_without_a_name_is_no_character_of_a_document() -> None:
    document = Document()
    document.replace(0, 0, f"a{PLACEHOLDER}b")
    assert document.mixed == MixedText("a\ufffdb")


def test_special_tokens_are_saved_and_found_by_their_names() -> None:
    document = example()
    database = Database(None)
    database.save(document.snapshot())
    opened = database.open(document.id)
    assert opened is not None
    assert not opened.problem
    loaded = Document(opened.snapshot)
    assert loaded.mixed == document.mixed
    assert loaded.runs == document.runs
    assert loaded.title == f"say {END} {END}Hi{USER}!"
    rows = database._connection.execute("select count(*) from nodes where text like ?", (f"%{USER}%",)).fetchone()
    assert rows == (1,)
    database.close()


def test_exports_spell_special_tokens_and_say_where_they_stand() -> None:
    document = example()
    values = json.loads(to_json(document))
    assert values["text"] == f"say {END} {END}Hi{USER}!"
    typed, generated = values["runs"]
    assert typed["special_tokens"] == [{"start": len(f"say {END} "), "name": END}]
    assert generated["special_tokens"] == [{"start": 2, "name": USER}]
    assert [token["text"] for token in generated["tokens"]] == ["Hi", USER, "!"]
    page = to_html(document).decode()
    assert "say &lt;|endoftext|&gt; <span" in page
    assert '<span class="token">&lt;|user|&gt;</span>!</mark>' in page


def events(tokenizer: Tokenizer, ids: list[int], stop: tuple[str, ...] = ()) -> tuple[list[TokenEvent], str, str]:
    """What the engine says of these tokens, the tail, and the whole text."""
    stream, stops, made = TextStream(tokenizer), StopStrings(stop), []
    for id in ids:
        whole = stream.feed(id)
        made.append(TokenEvent(0, id, stops.feed(whole), len(whole), -1.0, 0.0, ()))
        if stops.found:
            return made, "", "".join(event.text for event in made)
    tail = stops.feed(stream.flush()) + stops.flush()
    return made, tail, "".join(event.text for event in made) + tail


@given(
    st.lists(st.sampled_from([50256, 50256, 198, 464, 12520, 247, 220, 27, 91])),
    st.sampled_from([(), ("\n",), ("of",), ("<|end",), ("t|>",), ("The<",)]),
    st.integers(1, 4),
)
def test_generated_special_tokens_become_placeholders_however_text_is_held_back(
    ids: list[int], stop: tuple[str, ...], batch: int
) -> None:
    made, tail, whole = events(gpt2_tokenizer(), ids, stop)
    stream, document = SpecialTokenStream(gpt2_tokenizer()), Document()
    document.begin_generation(Origin(generation="g", model="tiny"))
    for start in range(0, len(made), batch):
        mixed, tokens = stream.feed(made[start : start + batch])
        document.append_tokens(mixed.text, tokens, special=mixed.names)
    end = stream.finish(tail)
    document.append_tokens(end.text, (), special=end.names)
    document.end_generation("length")
    assert document.mixed.spelled == whole
    if not stop:
        assert len(document.mixed.names) == ids.count(50256)
    for run in document.runs:
        assert sum(token.length for token in run.tokens) == len(run.text)
        for token, (first, last) in zip(run.tokens, run.spans(), strict=True):
            assert (PLACEHOLDER in run.text[first:last]) <= (token.id == 50256)


@pytest.mark.parametrize("kind", ["added", "word_pieces"])
def test_special_tokens_of_any_tokenizer_are_recognised(tmp_path: Path, kind: str) -> None:
    folder = make_folder(tmp_path / kind, kind)
    tokenizer = load_tokenizer(folder, read_config(folder))
    special = list(tokenizer.special_tokens.items())
    word = tokenizer.encode("Es")
    ids = [id for _, special_id in special for id in (*word, special_id)]
    made, tail, whole = events(tokenizer, ids)
    stream = SpecialTokenStream(tokenizer)
    mixed, tokens = stream.feed(made)
    mixed += stream.finish(tail)
    assert mixed.names == tuple(name for name, _ in special)
    assert mixed.spelled == whole
    assert sum(token.length for token in tokens) == len(mixed)
