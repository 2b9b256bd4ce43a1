"""Dialog that asks for a model of the Hugging Face hub: repository, revision, name."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QWidget

from gptdesk.errors import UserError
from gptdesk.library.names import check_name
from gptdesk.library.repository import parse_name
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog

_HUB = ("https://", "http://", "huggingface.co/", "hf.co/")


class RepositoryDialog(InputDialog):
    """A form of three fields.

    Attributes:
        repo: name of a known model, ``owner/name``, or the address of the model's page.
        revision: branch, tag or commit; empty for the newest.
        called: name of the model when it is installed; empty for the repository's.

    Signals:
        decided(str, str, str): the person pressed Download; repository, revision and name.
    """

    decided = Signal(str, str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Download from Hugging Face", "Download", parent, width=480)
        self.repo, self.revision, self.called = QLineEdit(), QLineEdit(), QLineEdit()
        words = QLabel(
            "Any model of GPT-2's architecture on huggingface.co. Private models and those with terms to accept need "
            "your token: run “hf auth login” once, or set HF_TOKEN."
        )
        words.setProperty("kind", "muted")
        words.setWordWrap(True)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, line, hint in (
            ("Repository", self.repo, "owner/name"),
            ("Revision", self.revision, "newest"),
            ("Name", self.called, "that of the repository"),
        ):
            line.setPlaceholderText(hint)
            line.setAccessibleName(title)
            line.textChanged.connect(self._judge)
            form.addRow(title, line)
        self.add(words, form)
        self._judge()

    def _judge(self) -> None:
        problem, name = "", _repo(self.repo.text())
        try:
            if name:
                parse_name(name)
            if self.called.text().strip():
                check_name(self.called.text().strip())
        except UserError as error:
            problem = str(error)
        self.problem.show_problem(problem)
        self.accept_button.setEnabled(bool(name) and not problem)

    def decide(self) -> None:
        """Emits what was typed and closes."""
        self.decided.emit(_repo(self.repo.text()), self.revision.text().strip(), self.called.text().strip())
        self.accept()


def _repo(text: str) -> str:
    """The name in what was typed or pasted, which may be the address of the model's page."""
    text = text.strip()
    if not text.startswith(_HUB):
        return text
    path = text.partition("://")[2] or text
    parts = path.split("?")[0].strip("/").split("/")[1:]
    revision = f"@{parts[3]}" if len(parts) > 3 and parts[2] == "tree" else ""
    return "/".join(parts[:2]) + revision
