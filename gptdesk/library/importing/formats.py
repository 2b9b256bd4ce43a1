"""The formats that models are imported from: one table, from which file dialogs, help and messages are derived."""

from __future__ import annotations

import os
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.library.importing.adapter import ADAPTER
from gptdesk.library.importing.format import ImportFormat
from gptdesk.library.importing.gguf_model import GGUF
from gptdesk.library.importing.links import check_inside
from gptdesk.library.importing.model_folder import MODEL_FOLDER
from gptdesk.library.importing.pickle_file import PICKLE
from gptdesk.library.importing.tensorflow import TENSORFLOW
from gptdesk.library.weights import check_weights

FORMATS: tuple[ImportFormat, ...] = (MODEL_FOLDER, ADAPTER, PICKLE, TENSORFLOW, GGUF)
"""In the order in which they are asked what a folder holds."""


def find_format(path: Path) -> tuple[ImportFormat, Path]:
    """The format of a folder or file, and the file or folder of it that is read.

    Raises:
        UserError: when it holds no model in any of these formats, or a link out of the folder in the place of one.
    """
    is_folder = os.path.isdir(path)
    for format in FORMATS:
        if (source := format.find(path)) is not None:
            if is_folder:
                check_inside([source], path)
            return format, source
    if is_folder:
        check_weights(path)  # says what is missing
    raise UserError(f"{path} is no model that gptdesk imports: choose {formats_text()}.")


def formats_text() -> str:
    """The formats, for help and sentences."""
    labels = [format.label for format in FORMATS]
    return f"{', '.join(labels[:-1])} or {labels[-1]}"


def file_patterns() -> tuple[str, ...]:
    """Patterns of the names of files that can be imported, each once."""
    return tuple(dict.fromkeys(pattern for format in FORMATS for pattern in format.patterns))
