"""`Known`: a model of the hub that gptdesk knows by name."""

from __future__ import annotations

import msgspec

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import WEIGHTS_FILE


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the hub.

    Attributes:
        name: short, as a person types it.
        repo: ``owner/name`` on the hub.
        revision: commit, so that everybody gets the same bytes; empty where we know none: then the newest, which is
            written down when it is downloaded.
        config: its shape.
        size: of its weights, in bytes; rounded for models that are listed under ``more``, 0 where it is unknown.
        sha256: of its weights; ``None`` where we know none: then the hub's own is taken and written down.
        licence: as its card says; empty where it says none.
        note: what it is, one sentence.
        file: that holds its weights.
        more: whether it is listed only when more models are asked for.
    """

    name: str
    repo: str
    revision: str
    config: GPT2Config
    size: int
    sha256: str | None
    licence: str
    note: str
    file: str = WEIGHTS_FILE
    more: bool = False

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return self.config.num_parameters()

    @property
    def card_url(self) -> str:
        """Its model card."""
        return card_url(self.repo)


def card_url(repo: str) -> str:
    """The page of a model on the hub."""
    return f"https://huggingface.co/{repo}"
