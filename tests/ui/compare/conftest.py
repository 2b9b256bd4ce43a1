"""A window on the Compare page with two tiny models of one vocabulary."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from gptdesk.compare.choices import ColumnChoice
from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.random_models import save_peaked
from tests.ui.conftest import Opened

SHAPE = GPT2Config(n_layer=1, n_head=2, n_embd=16, n_positions=64)


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("compared")
    return save_peaked(SHAPE, folder / "one", 1), save_peaked(SHAPE, folder / "two", 2)


class CompareDriver:
    """The Compare page of a window, as a person uses it."""

    def __init__(self, opened: Opened, qtbot: QtBot) -> None:
        self.opened, self.qtbot = opened, qtbot
        opened.services.settings.update(decoding=DecodingSettings(max_tokens=8, temperature=0.9))
        opened.window.show_page("compare")
        self.page: Any = opened.window.pages["compare"]
        self.session: Any = self.page.session
        self.service: Any = opened.services.comparisons
        self.view: Any = self.page.view
        self.session.set_seed(5)

    @property
    def columns(self) -> Any:
        return self.view.columns

    @property
    def texts(self) -> list[str]:
        """What the columns show."""
        return [column.text.toPlainText() for column in self.columns]

    @property
    def problems(self) -> list[str]:
        """What the columns say instead."""
        return [column.problem.text().replace("\u200b", "") for column in self.columns]

    def choose(self, *models: Path | str, **changes: Any) -> None:
        """Compares these models with the settings of the Playground."""
        self.session._set_columns([replace(ColumnChoice(model=str(model)), **changes) for model in models])
        self.qtbot.waitUntil(lambda: self.session.found is not None)

    def prompts(self, *texts: str) -> None:
        self.session.set_prompts(texts, "list.txt" if len(texts) > 1 else "")

    def run(self) -> None:
        """Compares, and waits for the end."""
        assert self.opened.window.commands.run("compare.run")
        self.wait()

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.service.busy)

    def banner(self) -> str:
        """What a banner says."""
        return " ".join(message.text for message in self.opened.services.messages.banners.values())

    def table(self, table: Any) -> list[list[str]]:
        """The texts of a table, without its headings."""
        return [line.split("\t") for line in table.as_text().split("\n")[1:]]


@pytest.fixture
def compare(open_window: Callable[..., Opened], two_models: Sequence[Path], qtbot: QtBot) -> Iterator[CompareDriver]:
    driver = CompareDriver(open_window(), qtbot)
    driver.choose(*two_models, precision="float32")
    yield driver
    driver.service.stop()
