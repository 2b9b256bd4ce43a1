"""Imports pyarrow on first use, for Parquet and Zstandard."""

from __future__ import annotations

from types import ModuleType

from gptdesk.errors import UserError


def arrow(what: str) -> tuple[ModuleType, ModuleType]:
    """pyarrow and pyarrow.parquet.

    Args:
        what: is to be read, for the sentence.

    Raises:
        UserError: when pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            f'{what} needs pyarrow, which is not installed; pip install "gptdesk[data]" brings it.'
        ) from None
    return pyarrow, pyarrow.parquet
