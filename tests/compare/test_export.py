"""The web page of a comparison: all texts whole and escaped, colours of surprisal, where texts part."""

import re
from html.parser import HTMLParser

from gptdesk.coloured_text.page import step_of
from gptdesk.coloured_text.surprisal import level
from gptdesk.compare.export import html
from gptdesk.compare.export.html import to_html
from gptdesk.inference.scoring.table import bits
from gptdesk.ui.palette import DARK, LIGHT
from tests.compare.conftest import NewColumn, compared

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Page(HTMLParser):
    """The tokens of each completion (classes and text), the completions' texts, and all tags."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.tokens: list[list[tuple[list[str], str]]] = []
        self.inside = False
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        classes = (dict(attrs).get("class") or "").split()
        if tag == "div" and classes == ["t"]:
            self.inside = True
            self.texts.append("")
            self.tokens.append([])
        if tag == "span" and self.inside:
            self.tokens[-1].append((classes, ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "div"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[-1] += data
            if self.tokens[-1]:
                classes, text = self.tokens[-1][-1]
                self.tokens[-1][-1] = classes, text + data


def test_the_page_has_every_text_with_its_colours_and_loads_nothing(column: NewColumn) -> None:
    label = "<b>& 'one'"
    results = compared(
        column("one", label, max_tokens=30), column("own", max_tokens=30), prompts=("<script>alert(1)</script>",)
    ).results
    data = to_html(results)
    page = Page(data)
    cells = [results.cells[0, 0], results.cells[0, 1]]
    texts = [CONTROL.sub("\ufffd", cell.text) for cell in cells]
    assert page.texts == texts
    assert "script" not in page.tags
    assert data.count(b"&lt;b&gt;&amp; &#x27;one&#x27;") >= 3
    assert not re.search(rb"(src=|href=|url\()", data)
    for cell, text, tokens in zip(cells, texts, page.tokens, strict=True):
        whole = [place for place in range(1, len(cell.ids)) if cell.starts[place - 1] < cell.starts[place]]
        assert sum("d" in classes for classes, _ in tokens) == 1
        assert "".join(letters for _, letters in tokens) == text
        assert whole
        steps = {step_of(level(bits(-float(cell.logprobs[place])))) for place in whole}
        shown = {int(name[1:]) for classes, _ in tokens for name in classes if name[0] == "s"}
        assert shown & steps


def test_the_colours_are_the_windows() -> None:
    for page, theme in ((html.LIGHT, LIGHT), (html.DARK, DARK)):
        assert page[:4] == (theme.surface, theme.text, theme.muted, theme.accent)


def test_a_failed_column_is_said(column: NewColumn) -> None:
    results = compared(column("one"), column("two")).results
    results.failures[1] = "It is <gone>."
    assert b"two: It is &lt;gone&gt;." in to_html(results)
