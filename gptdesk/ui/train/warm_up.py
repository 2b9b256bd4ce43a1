"""What the Train page stands on, loaded before it is wanted, so that it opens at once. For a worker thread."""

from __future__ import annotations

from gptdesk.ui.lazy_imports import import_pydantic


def warm_up() -> None:
    """Imports numpy, pyqtgraph, pydantic and the page, makes no widget, and reads the schema of the settings."""
    import_pydantic()
    import pyqtgraph  # noqa: F401

    from gptdesk.training import datasets, diagnosis, history, samples  # noqa: F401
    from gptdesk.ui.train import chart_card, chart_viewport, page  # noqa: F401
    from gptdesk.ui.train.new_run import sheet  # noqa: F401
    from gptdesk.ui.train.new_run.draft import Draft

    Draft().values()
