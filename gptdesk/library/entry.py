"""`LibraryEntry`: one model of the library, installed or available."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.record import Defaults

Kind = Literal["bundled", "installed", "linked", "run", "cache", "known", "folder"]
"""Where a model is, in this order: ships with gptdesk; in the models folder; linked from it; a checkpoint of a run; in
the cache of Hugging Face's library; on the hub only; another folder, which appears only when a person names it."""

State = Literal["ready", "damaged", "missing"]
"""Can be loaded, judged by file names, headers and sizes; cannot be loaded; is not on this computer."""


class LibraryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the library.

    Attributes:
        kind: where it is.
        name: shown to people; unique among the models of the models folder.
        state: whether it can be loaded.
        path: its folder; ``None`` when it is not on this computer.
        config: its shape; ``None`` when it cannot be read.
        size: of its weights on disk, in bytes; 0 when it is not on this computer.
        download: bytes to download; 0 when it is here, or unknown.
        repo: ``owner/name`` on the hub; empty for others.
        revision: commit on the hub; empty for others.
        source: path that it was imported from; empty for others.
        sha256: expected hashes of its files by name, where they are known.
        licence: as the model card names it; empty when unknown.
        card_url: address of its model card; empty when it has none.
        note: what it is, a sentence; empty for models that gptdesk does not know.
        problem: why it cannot be loaded, and what to do, a sentence.
        defaults: settings that apply whenever it is loaded.
        left_out: name of the part that is not loaded (a head of another task); empty for none.
        tokenizer: where its tokens come from, in words; empty when unknown.
        more: whether it is listed only when more models are asked for.
        added: day and time (ISO 8601, UTC) when it was installed; empty when unknown.
    """

    kind: Kind
    name: str
    state: State = "ready"
    path: Path | None = None
    config: GPT2Config | None = None
    size: int = 0
    download: int = 0
    repo: str = ""
    revision: str = ""
    source: str = ""
    sha256: Mapping[str, str] = msgspec.field(default_factory=dict)
    licence: str = ""
    card_url: str = ""
    note: str = ""
    problem: str = ""
    defaults: Defaults = msgspec.field(default_factory=Defaults)
    left_out: str = ""
    tokenizer: str = ""
    more: bool = False
    added: str = ""

    @property
    def parameters(self) -> int:
        """Number of weights; 0 when unknown."""
        return 0 if self.config is None else self.config.num_parameters()

    @property
    def licence_unknown(self) -> bool:
        """Whether it is a model of the hub whose licence gptdesk does not know; its model card may say more."""
        return bool(self.card_url) and not self.licence

    @property
    def changeable(self) -> bool:
        """Whether gptdesk can rename and remove it: it is in the models folder, or linked from it."""
        return self.kind in ("installed", "linked")
