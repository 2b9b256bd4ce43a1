"""The preview of data shows tokens, which of them are learnt, and what was made of the sources."""

from pytestqt.qtbot import QtBot

from gptdesk.training.data.datasets import DocumentPreview
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.data.preview import Preview


def document(*tokens: str, learnt: tuple[bool, ...] = ()) -> DocumentPreview:
    marks = learnt or (True,) * len(tokens)
    return DocumentPreview(text="".join(tokens), tokens=tokens, length=len(tokens), learnt=marks)


def spans(preview: Preview) -> list[str]:
    return preview.text.text().split("<span")[1:]


def test_what_is_learnt_is_marked_where_not_all_of_it_is(theme: Theme, qtbot: QtBot) -> None:
    preview = Preview(theme)
    qtbot.addWidget(preview)
    preview.show_documents([document("User", ":", " yes", learnt=(False, False, True)), document("a")])
    marks = ["underline" in span for span in spans(preview)]
    assert marks == [False, False, True, True]
    assert "underlined" in preview.title.text()
    preview.show_documents([document("plain", " text")])
    assert not any("underline" in span for span in spans(preview))
    assert "underlined" not in preview.title.text()


def test_each_document_says_how_many_tokens_it_has(theme: Theme, qtbot: QtBot) -> None:
    preview = Preview(theme)
    qtbot.addWidget(preview)
    report = ["a.csv: CSV, 2 documents", "left out: b.pdf: encrypted"]
    preview.show_documents([document("a"), document("b", "c")], report)
    assert "Document 1 · 1 token<" in preview.text.text()
    assert "Document 2 · 2 tokens<" in preview.text.text()
    assert preview.report.text() == "\n".join(report)


def test_signs_of_html_are_shown_as_they_are(theme: Theme, qtbot: QtBot) -> None:
    preview = Preview(theme)
    qtbot.addWidget(preview)
    preview.show_documents([document("<b>", "\n", "&")])
    assert "&lt;b&gt;" in preview.text.text()
    assert "⏎" in preview.text.text()
