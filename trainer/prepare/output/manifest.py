"""Builds the manifest of a prepared folder; it does not depend on the number of workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import TEMPLATES
from trainer.data.arrays import VERSION
from trainer.data.tokenizer import DataTokenizer
from trainer.prepare.account import Account, add_up
from trainer.prepare.broken import Broken
from trainer.prepare.encoding.blocks import EncodedUnit
from trainer.prepare.encoding.worker import FEW_DOCUMENTS
from trainer.prepare.output.held_out import TAIL_SHARE, Tail
from trainer.prepare.plan import Plan, Request, Section
from trainer.prepare.records import RENDERED


def make_manifest(
    plan: Plan,
    splits: Mapping[str, Any],
    done: Sequence[EncodedUnit],
    sections: Mapping[int, Section],
    broken: Broken,
    tail: Tail | None,
) -> dict[str, Any]:
    """The manifest as JSON holds it."""
    accounts = add_up(unit.accounts for unit in done)
    request = plan.request
    records = _records(request, {kind for account in accounts.values() for kind in account.kinds})
    return {
        "version": VERSION,
        "tokenizer": DataTokenizer.of(request.tokenizer).to_json(),
        "settings": {
            "validation": _validation(request, tail),
            **({"vocabulary": request.vocabulary, "vocab_size": request.vocab_size} if request.vocabulary else {}),
            "seed": request.seed,
            "column": request.column,
            "unit_bytes": request.unit_bytes,
            "shard_tokens": request.shard_tokens,
        },
        **({"records": records} if records else {}),
        "documents": sum(split["documents"] for split in splits.values()) - (tail.divided if tail else 0),
        "tokens": sum(split["tokens"] for split in splits.values()),
        "text_bytes": sum(unit.text_bytes for unit in done) - (tail.trimmed if tail else 0),
        "cut_documents": sum(unit.cut for unit in done) + sum(section.cut for section in sections.values()),
        "broken": {"count": broken.count, "list": broken.to_json()},
        "splits": splits,
        "sources": [
            file.for_manifest()
            | ({"split": file.split} if file.split else {})
            | {"format": file.format}
            | accounts.get(i, Account()).to_json()
            for i, file in enumerate(plan.files)
        ],
    }


def _records(request: Request, kinds: Set[str]) -> dict[str, Any]:
    """How records became documents: what is learnt of them, and the chat template, where one was used."""
    if not kinds:
        return {}
    template = TEMPLATES[request.template]
    used = {
        "name": template.name,
        "chat_template": template.jinja,
        "stop_strings": list(template.stop_strings),
    }
    return {"learn_prompts": request.learn_prompts} | ({"template": used} if kinds & set(RENDERED) else {})


def _validation(request: Request, tail: Tail | None) -> dict[str, Any]:
    """How the validation split was chosen."""
    if request.validation:
        return {"by": "files"}
    if tail:
        return tail.for_manifest()
    if not request.validation_share:
        return {"by": "none"}
    return {"by": "document hash", "share": request.validation_share}


def validation_text(manifest: Mapping[str, Any]) -> str:
    """Says how the validation split was chosen where that is not as usual; else nothing.

    Raises:
        UserError: when the manifest is damaged.
    """
    try:
        return _validation_text(manifest["settings"]["validation"])
    except (KeyError, TypeError, ValueError):
        raise UserError("The manifest's settings are damaged; prepare the data again.") from None


def _validation_text(chosen: Mapping[str, Any]) -> str:
    if chosen["by"] == "none":
        return "No text is held out for validation."
    if chosen["by"] != "end of the text":
        return ""
    part = "tenth" if chosen["share"] == TAIL_SHARE else f"{chosen['share']:.1%}"
    return (
        f"Choosing documents for validation would have found fewer than {FEW_DOCUMENTS}: instead, the last {part} of "
        f"the text is held out, cut at the end of a {chosen['cut']}."
    )
