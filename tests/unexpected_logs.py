"""Fails a test during which something was logged at WARNING or above that it did not ask for.

The conftest.py of a folder opts in by importing `fail_on_logging`. A test that takes ``caplog`` expects records and
looks at them itself. What `transformers` logs is left out: only tests call it, and whether its records reach the root
logger depends on the variable CI.
"""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def fail_on_logging(request: pytest.FixtureRequest) -> Iterator[None]:
    if "caplog" in request.fixturenames:
        yield
        return
    records = Records(logging.WARNING)
    logging.getLogger().addHandler(records)
    yield
    logging.getLogger().removeHandler(records)
    assert records.lines == [], "logged without being expected"


class Records(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] == "transformers":
            return
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")
