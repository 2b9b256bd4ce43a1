"""Reads the questions of a published benchmark, from a file or from the hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.errors import UserError
from gptdesk.hub.answers import ask
from gptdesk.hub.errors import not_understood

HUB: Final = "hub"
"""What a person writes in place of a file to have it downloaded."""


class _Sibling(msgspec.Struct):
    rfilename: str


class _Info(msgspec.Struct):
    """What is read of the hub's answer about a data set."""

    sha: str
    siblings: list[_Sibling] = []


@dataclass(frozen=True)
class HubData:
    """Where the hub has a test.

    Attributes:
        repository: a data set's name.
        file: pattern of the one file that is read; the first that matches.
    """

    repository: str
    file: str


LAMBADA: Final = HubData("EleutherAI/lambada_openai", r"data/lambada_test_en\.jsonl|en/test.*\.parquet")
HELLASWAG: Final = HubData("Rowan/hellaswag", r"(data|default)/validation.*\.parquet")


@dataclass(frozen=True)
class Source:
    """A test's items as they were found.

    Attributes:
        name: of the file, for messages.
        items: one mapping a question, as many as were asked for.
        record: what results remember: file, SHA-256, and repository and revision where it came from the hub.
    """

    name: str
    items: list[dict[str, Any]]
    record: Mapping[str, str]


def open_source(given: str, hub: HubData, *, limit: int | None = None) -> Source:
    """The items of the file ``given``, JSON lines or parquet, or of the hub's when ``given`` is "hub".

    Args:
        limit: read only so many.

    Raises:
        UserError: when the file cannot be read or has no items, or the hub not be reached.
    """
    if given == HUB:
        path, record = _download(hub)
    else:
        path, record = Path(given).expanduser(), {"file": given}
    items = _read_parquet(path, limit) if path.suffix == ".parquet" else _read_json_lines(path, limit)
    if not items:
        raise UserError(f"{path} holds no items.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(path.name, items, {**record, "sha256": digest})


def _read_json_lines(path: Path, limit: int | None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):  # noqa: B007 (for the message below)
                if len(items) == limit:
                    break
                if not line.strip():
                    continue
                items.append(json.loads(line))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8.") from None
    except ValueError:
        raise UserError(f"{path}, line {number}: this is not JSON.") from None
    if not all(isinstance(item, dict) for item in items):
        raise UserError(f"{path}: each line must be one JSON object.")
    return items


def _read_parquet(path: Path, limit: int | None) -> list[dict[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise UserError(f"Reading {path.name} needs pyarrow: install it, or give a file of JSON lines.") from None
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read()
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, ArrowException):
        raise UserError(f"{path} is no whole parquet file.") from None
    rows: list[dict[str, Any]] = (table if limit is None else table.slice(0, limit)).to_pylist()
    return rows


def _download(hub: HubData) -> tuple[Path, dict[str, str]]:
    """The hub's file, from its cache when it was downloaded before, and which revision it is of."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HTTPError  # of whichever HTTP library it stands on

    try:
        body = ask(f"{constants.ENDPOINT}/api/datasets/{hub.repository}", hub.repository, what="data set")
    except UserError as error:
        raise UserError(f"{hub.repository} cannot be downloaded from the hub; give a local file. ({error})") from None
    try:
        info = msgspec.json.decode(body, type=_Info)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise not_understood(hub.repository) from error
    names = sorted(file.rfilename for file in info.siblings)
    name = next((name for name in names if re.fullmatch(hub.file, name)), None)
    if name is None:
        raise UserError(f"The hub's {hub.repository} has no file that we can read; give a local file instead.")
    try:
        path = hf_hub_download(hub.repository, name, repo_type="dataset", revision=info.sha)
    except (HTTPError, OSError) as error:  # HF_HUB_OFFLINE is a kind of OSError
        why = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(
            f"{hub.repository} cannot be downloaded from the hub ({why}); check the network, or give a local file."
        ) from None
    return Path(path), {"repository": hub.repository, "revision": info.sha, "file": name}
