"""How many bytes of text a token of prepared data stands for."""

from __future__ import annotations

from pathlib import Path

from gptdesk.bounded_read import whole
from gptdesk.errors import UserError
from trainer.data.manifest import read_manifest


def bytes_per_token(folder: Path) -> float | None:
    """The mean over the texts that the data was made of, before sources were weighted.

    Returns:
        ``None`` where it is not known: there is no such data, or only a part of its tokens is learnt.
    """
    try:
        manifest = read_manifest(folder)[0]
    except UserError:
        return None
    records, sources = manifest.get("records"), manifest.get("sources")
    if not isinstance(sources, list) or (isinstance(records, dict) and not records.get("learn_prompts")):
        return None
    text = whole(manifest.get("text_bytes")) or 0
    tokens = sum(whole(source.get("tokens")) or 0 for source in sources if isinstance(source, dict))
    return text / tokens if text and tokens else None
