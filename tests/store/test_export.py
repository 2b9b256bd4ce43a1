"""Documents as HTML and JSON: nothing of the text is lost, and nothing in it becomes code."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gptdesk.bounded_read import ContentError
from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.inference.events import Alternative
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.export.html import to_html
from gptdesk.store.export.json import to_json
from gptdesk.store.export.json_reader import from_json, read_document
from gptdesk.store.runs import Origin, Token, clean, clean_piece

SCRIPT = "</script><script>alert(1)</script> & <b>\"'"
ODD = [
    "",
    SCRIPT,
    "{title} %s \\u0000 {{}}",
    "\n\n  two spaces  first\n",
    "a\r\nb\rc\u2028d\u2029e",
    "😀 e\u0301 \u202eright to left\u202c 中文",
    "lone \ud800 surrogate \udfff",
    "NUL \0 and \x0b \x1b[31m",
    "]]> --> <!-- &lt; &amp;amp;",
]


def document_of(typed: str, generated: str, *, model: str = "stories", seed: int = 7) -> Document:
    document = Document()
    document.replace(0, 0, typed)
    settings = DecodingSettings(temperature=0.5, top_k=40, logit_bias={5: -1.0}, stop=("</x>",), seed=seed)
    document.begin_generation(Origin(generation="g1", model=model, settings=settings, device="cpu", precision="int8"))
    top = (Alternative(11, "x", -0.5), Alternative(12, SCRIPT, -2.0))
    for number, piece in enumerate(["", *generated]):  # the first of its tokens is but a part of a character
        document.append_tokens(piece, [Token(number, len(piece), -0.25, top, 1.5)])
    document.end_generation("length", seed=seed)
    return document


class Reader(HTMLParser):
    """What a browser shows of a page: its text, and what of it is marked."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text, self.marked, self.title = "", "", ""
        self.tooltips: list[str] = []
        self._inside: list[str] = []
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self._inside.append(tag)
        if tag == "mark":
            self.tooltips.append(dict(attrs)["title"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "title" in self._inside:
            self.title += data
        if "main" in self._inside:
            self.text += data
        if "mark" in self._inside:
            self.marked += data


@pytest.mark.parametrize("typed", ODD)
@pytest.mark.parametrize("generated", ODD)
def test_a_page_shows_the_text_and_marks_what_was_generated(typed: str, generated: str) -> None:
    document = document_of(typed, generated)
    page = Reader(to_html(document))
    assert page.text == document.text
    assert page.marked == document.text[len(clean(typed)) :]
    assert page.title == document.title
    assert set(page.tags) <= {"html", "head", "meta", "title", "style", "body", "main", "mark", "footer"}


def test_a_page_names_what_a_passage_was_generated_with_and_follows_the_colour_scheme() -> None:
    document = document_of("Once", " upon", model=f'{SCRIPT} \udcff"')
    page = to_html(document)
    (tooltip,) = Reader(page).tooltips
    assert tooltip == f'{SCRIPT} \ufffd" · Temperature 0.5 · Top-k 40 · seed 7'
    assert b"prefers-color-scheme: dark" in page
    assert b"<script" not in page


@given(st.text(), st.text())
def test_the_text_comes_back_from_json(typed: str, generated: str) -> None:
    document = document_of(typed, generated)
    values = json.loads(to_json(document))
    assert values["text"] == document.text
    assert "".join(run["text"] for run in values["runs"]) == document.text
    for run in values["runs"]:
        if run["generated"]:
            assert "".join(token["text"] for token in run["tokens"]) == run["text"]


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_come_back_from_json(text: str) -> None:
    document = document_of(text, text)
    assert json.loads(to_json(document))["text"] == document.text == clean(text) + "".join(map(clean, text))


def test_json_tells_all_of_a_generated_run() -> None:
    document = document_of("Once", " up", model="/models/\udcff", seed=2**63 - 1)
    document.decoding = DecodingSettings(temperature=0.0)
    values = json.loads(to_json(document))
    assert (values["format"], values["version"]) == ("gptdesk document", 2)
    assert values["settings"] == {"temperature": 0.0}
    typed, generated = values["runs"]
    assert typed == {"id": 1, "parent": 0, "text": "Once", "generated": False}
    assert (generated["parent"], values["path"]) == (1, [1, generated["id"]])
    assert generated["settings"] == {
        "temperature": 0.5, "top_k": 40, "logit_bias": {"5": -1.0}, "stop": ["</x>"], "seed": 2**63 - 1,
    }  # fmt: skip
    told = {name: generated[name] for name in ("generation", "model", "device", "precision", "seed", "finish_reason")}
    assert told == {
        "generation": "g1", "model": "/models/\ufffd", "device": "cpu", "precision": "int8", "seed": 2**63 - 1,
        "finish_reason": "length",
    }  # fmt: skip
    top = [{"id": 11, "text": "x", "logprob": -0.5}, {"id": 12, "text": SCRIPT, "logprob": -2.0}]
    assert [token["text"] for token in generated["tokens"]] == ["", " ", "u", "p"]
    assert generated["tokens"][1] == {"id": 1, "text": " ", "logprob": -0.25, "entropy": 1.5, "top": top}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document with branches: typed, generated, undone, edited within, with special tokens and odd characters."""
    document = Document()
    texts, numbers = st.text(max_size=8), st.floats(-50, 0)
    for step in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["type", "generate", "generate", "branch", "undo", "redo", "special"]))
        place = draw(st.integers(0, len(document.text)))
        if kind == "type":
            document.replace(place, draw(st.integers(place, len(document.text))), draw(texts))
        elif kind == "special":
            document.replace(place, place, PLACEHOLDER, special=("<|endoftext|>",))
        elif kind == "branch":
            document.branch(place, draw(texts))
        elif kind == "undo":
            document.undo()
        elif kind == "redo":
            document.redo()
        else:
            decoding = DecodingSettings(top_p=draw(st.floats(0, 1)), stop=("x",), logit_bias={3: 1.5})
            origin = Origin(
                generation=f"g{step}", model="tiny", settings=decoding, device="cpu", precision="int8", backend="numba",
                tokenizer="t" * 64, weights="w" * 64, runtime="torch 2", prompt="p", prompt_tokens=3,
            )  # fmt: skip
            document.begin_generation(origin, start=draw(st.none() | st.just(place)))
            for id in range(draw(st.integers(0, 3))):
                piece = clean_piece(draw(st.text(max_size=3)))
                top = tuple(Alternative(n, draw(texts.map(clean_piece)), draw(numbers)) for n in range(2))
                token = Token(id, len(piece), draw(numbers), top, draw(st.none() | st.floats(0, 10)))
                document.append_tokens(piece, [token])
            if draw(st.booleans()):
                document.append_tokens(PLACEHOLDER, [Token(50256, 1, -1.0)], special=("<|endoftext|>",))
            document.end_generation(
                draw(st.sampled_from(["length", "stop", "cancelled"])), seed=draw(st.integers(0, 9))
            )
    document.own_title = draw(st.none() | st.just("Mine"))
    document.chat_template = draw(st.none() | st.just("chatml"))
    document.decoding = draw(st.none() | st.just(DecodingSettings(temperature=0.5)))
    return document


@settings(max_examples=60)
@given(documents())
def test_a_document_comes_back_from_json_with_all_of_its_branches(document: Document) -> None:
    before = document.snapshot()
    after = from_json(to_json(document))
    assert after.id != before.id
    assert replace(after, id=before.id, created=before.created, file=before.file) == before
    assert after.created == pytest.approx(before.created, abs=1e-5)


def test_a_document_of_version_1_is_read_with_its_text_and_tokens() -> None:
    document = document_of("Once", " upon")
    values = json.loads(to_json(document))
    values["version"] = 1
    for name in ("path", "own_title", "chat_template"):
        del values[name]
    for run in values["runs"]:
        for name in ("id", "parent", "first", "backend", "weights", "runtime", "prompt", "prompt_tokens"):
            run.pop(name, None)
    read = Document(from_json(json.dumps(values).encode()))
    assert read.text == "Once upon"
    assert [token.id for token in read.runs[1].tokens] == [token.id for token in document.runs[1].tokens]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda v: v.update(format="other"), "not one that gptdesk exported"),
        (lambda v: v.update(version=3), "a newer gptdesk wrote it, in version 3"),
        (lambda v: v.update(text="Twice upon"), "its parts do not make up its text"),
        (lambda v: v.update(runs={}), "it is damaged"),
        (lambda v: v.update(created="yesterday"), "it is damaged"),
        (lambda v: v.update(path=[99]), "it is damaged"),
        (lambda v: v["runs"][1].update(parent=2), "it is damaged"),
        (lambda v: v["runs"][1].update(id=1), "it is damaged"),
        (lambda v: v["runs"][1].update(parent=-5), "it is damaged"),
        (lambda v: v["runs"][1].update(first=-1), "it is damaged"),
        (lambda v: v["runs"][1].update(model=5), "it is damaged"),
        (lambda v: v["runs"][1]["tokens"].pop(), "it is damaged"),
        (lambda v: v["runs"][1]["tokens"][1].update(text="longer than the run"), "do not make up its text"),
        (lambda v: v["runs"][1]["tokens"][1].update(id=-1), "it is damaged"),
        (lambda v: v["runs"][1]["tokens"][1]["top"][0].update(id=-1), "it is damaged"),
        (lambda v: v["runs"][0].update(special_tokens=[{"start": 0, "name": "x"}]), "a special token is not in its"),
        (lambda v: v["runs"][0].update(text="On\ufffce"), "stands for a special token"),
    ],
)
def test_a_damaged_file_is_refused_with_a_sentence(change: Callable[[dict[str, Any]], Any], sentence: str) -> None:
    values = json.loads(to_json(document_of("Once", " upon")))
    change(values)
    with pytest.raises(ContentError, match=sentence):
        from_json(json.dumps(values).encode())


def test_a_file_that_is_too_large_is_refused_with_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)  # holes take no space
    with pytest.raises(UserError, match="larger than 256 MB"):
        read_document(path)


@pytest.mark.parametrize("depth", [100, 985, 990, 995])  # the deepest are read and cannot be written
def test_settings_nested_deeply_are_refused(depth: int) -> None:
    data = to_json(document_of("", " upon"))
    with pytest.raises(ContentError):
        from_json(data.replace(b'"top_k": 40', b'"deep": ' + b"[" * depth + b"]" * depth))


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"format": "gptdesk document"}', b"\xff", b"[]"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(ContentError):
        from_json(data)


def test_a_number_that_json_does_not_know_is_null() -> None:
    document = document_of("", "")
    document.begin_generation(Origin(generation="g2", model="tiny"))
    document.append_tokens("x", [Token(1, 1, float("-inf"), (), float("nan"))])
    document.end_generation("length")
    (token,) = json.loads(to_json(document))["runs"][-1]["tokens"]
    assert (token["logprob"], token["entropy"]) == (None, None)


def test_a_document_that_is_being_generated_is_written_as_far_as_it_is() -> None:
    document = Document()
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens("ab", [Token(1, 1, -1.0), Token(2, 1, -1.0), Token(3, 4, -1.0)])  # the last is held back
    values = json.loads(to_json(document))
    assert [token["text"] for token in values["runs"][0]["tokens"]] == ["a", "b", ""]
    assert values["runs"][0]["finish_reason"] is None
    assert Reader(to_html(document)).marked == "ab"


def test_a_megabyte_of_text_is_written_whole() -> None:
    document = document_of(SCRIPT * 25_000, "x" * 2_000)
    assert len(document.text) > 2**20
    assert Reader(to_html(document)).text == document.text
    assert json.loads(to_json(document))["text"] == document.text
