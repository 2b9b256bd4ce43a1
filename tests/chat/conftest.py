"""What tests of chats share."""

from collections.abc import Iterator

import pytest

from gptdesk.chat.templates.process import TemplateProcess
from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture


@pytest.fixture(scope="module")
def process() -> Iterator[TemplateProcess]:
    """Renders templates of strangers."""
    made = TemplateProcess()
    yield made
    made.close()
