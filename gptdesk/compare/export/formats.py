"""The formats that a comparison is exported in, by the suffix of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gptdesk.compare.export.csv import as_csv
from gptdesk.compare.export.html import to_html
from gptdesk.compare.export.json import to_json
from gptdesk.compare.results import Results


def _csv(results: Results) -> bytes:
    return "".join(as_csv(results)).encode("utf-8", "replace")


WRITERS: Final[Mapping[str, Callable[[Results], bytes]]] = {".csv": _csv, ".json": to_json, ".html": to_html}
"""What makes the contents of a file with that suffix."""
