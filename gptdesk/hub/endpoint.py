"""The address of the Hugging Face hub: a mirror that the person chose, or what the environment says."""

from __future__ import annotations

import os
import sys
from typing import Final
from urllib.parse import urlsplit

from gptdesk.errors import UserError, brief

_VARIABLE: Final = "HF_ENDPOINT"
_USUAL: Final = "https://huggingface.co"
_before: list[str | None] = []
"""Value of the environment variable before the first `use_endpoint`."""


def check_endpoint(text: str) -> str:
    """Returns the address without spaces and slashes at its end; "" stays "".

    Raises:
        UserError: if it is no address of a web server.
    """
    address = text.strip().rstrip("/")
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in address):
        raise UserError(f"{brief(text)} is no web address; write it like {_USUAL}, or leave it empty.")
    return address


def use_endpoint(address: str) -> None:
    """Makes downloads, and processes started from now on, use that address; "" restores the environment's."""
    if not address and not _before:
        return
    if not _before:
        _before.append(os.environ.get(_VARIABLE))
    wanted = address or _before[0]
    if wanted:
        os.environ[_VARIABLE] = wanted
    else:
        os.environ.pop(_VARIABLE, None)
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:  # it read the variable when it was imported
        constants.ENDPOINT = (wanted or _USUAL).rstrip("/")  # type: ignore[attr-defined]
