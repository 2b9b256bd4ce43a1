"""Imports what the Train page needs just before it is first shown. Runs in a worker thread."""

from __future__ import annotations

from gptdesk.training.pydantic_import import import_pydantic


def preload() -> None:
    """Imports numpy, pyqtgraph, pydantic and the page, and reads the schema of the settings. Makes no widget."""
    import_pydantic()
    import pyqtgraph  # noqa: F401

    from gptdesk.training import diagnosis  # noqa: F401
    from gptdesk.training.data import datasets  # noqa: F401
    from gptdesk.training.history import history, samples  # noqa: F401
    from gptdesk.ui.train.charts import loss_card, small_card, viewport  # noqa: F401
    from gptdesk.ui.train.new_run import sheet  # noqa: F401
    from gptdesk.ui.train.new_run.draft.draft import Draft

    Draft().values()
