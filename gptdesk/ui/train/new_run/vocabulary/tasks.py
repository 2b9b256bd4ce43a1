"""Background task of the vocabulary card. No Qt."""

from __future__ import annotations

import threading
from pathlib import Path

from gptdesk.training.data.preparations import BUNDLED_TEXTS
from gptdesk.training.data.prepare_options import options_of
from gptdesk.training.data.vocabulary import Densities, measure


def measure_text(data: Path, stop: threading.Event) -> Densities | None:
    """Measures vocabularies on the text that data is, or is being, prepared from.

    Returns:
        What was measured; ``None`` for a text that would have to be downloaded.

    Raises:
        UserError: when the text is not known or cannot be read.
    """
    options = options_of(data)
    if not all(source in BUNDLED_TEXTS or Path(source).exists() for source in options.sources):
        return None
    return measure(options.sources, column=options.column, template=options.template, stop=stop)
