"""`LibraryEntry`: one model of the library, installed or available."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.record import Defaults

Kind = Literal["bundled", "installed", "linked", "run", "cache", "known", "folder"]
"""Ships with gptdesk; lies in the models folder; is only named there; a run's checkpoint; in the hub's own cache; a
model of the hub that is not here; a folder somewhere else, which is listed only when it is named."""

State = Literal["ready", "damaged", "missing"]
"""Can be loaded, as far as names and sizes tell; cannot; is not on this computer."""


@dataclass(frozen=True, kw_only=True)
class LibraryEntry:
    """A model of the library.

    Attributes:
        kind: where it is.
        name: for people; unique among those of the models folder.
        state: whether it can be loaded.
        path: its folder; ``None`` when it is not here.
        config: its shape; ``None`` when it cannot be read.
        size: of its weights on disk, in bytes; 0 when it is not here.
        download: bytes to download; 0 when it is here, or unknown.
        repo: ``owner/name`` on the hub; empty for others.
        revision: commit on the hub; empty for others.
        source: path that it was imported from; empty for others.
        sha256: that its files should have, by name, where it is known.
        licence: as its card says; empty when unknown.
        card_url: its model card; empty when it has none.
        note: what it is, a sentence; empty for others than known ones.
        problem: why it cannot be loaded, and what to do, a sentence.
        defaults: how the person wants it used.
        left_out: name of the part that is not loaded (a head of another task); empty for none.
        tokenizer: where its tokens come from, in words; empty when unknown.
        more: whether it is listed only when more models are asked for.
        added: day and time (ISO 8601, UTC) when it came; empty when unknown.
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
    sha256: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    card_url: str = ""
    note: str = ""
    problem: str = ""
    defaults: Defaults = field(default_factory=Defaults)
    left_out: str = ""
    tokenizer: str = ""
    more: bool = False
    added: str = ""

    @property
    def parameters(self) -> int:
        """Number of weights; 0 when unknown."""
        return 0 if self.config is None else self.config.num_parameters()

    @property
    def changeable(self) -> bool:
        """Whether it can be renamed and removed here: it lies in, or is linked from, the models folder."""
        return self.kind in ("installed", "linked")
