"""Writes a comparison as JSON, with every token.

The schema is described in docs/GUIDE.md ("Comparing models"). Fields may be added within a version; a change of what a
field means raises `VERSION`.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from gptdesk.compare.columns import Column
from gptdesk.compare.export.rows import row
from gptdesk.compare.results import Results

FORMAT: Final = "gptdesk comparison"
VERSION: Final = 1


def to_json(results: Results) -> bytes:
    """The comparison as UTF-8 JSON, indented."""
    values = {
        "format": FORMAT,
        "version": VERSION,
        "columns": [_column(column) for column in results.columns],
        "failures": {results.columns[column].label: message for column, message in results.failures.items()},
        "notices": results.notices,
        "prompts": [_prompt(results, prompt) for prompt in range(len(results.prompts))],
    }
    text = json.dumps(values, ensure_ascii=False, default=msgspec.structs.asdict)
    return msgspec.json.format(text.encode("utf-8", "replace"), indent=1) + b"\n"


def _column(column: Column) -> dict[str, Any]:
    return {
        "label": column.label,
        "model": column.model,
        "step": column.step,
        "device": column.device,
        "precision": column.precision,
        "settings": column.settings.to_json(),
    }


def _prompt(results: Results, prompt: int) -> dict[str, Any]:
    reference = results.reference(prompt)
    return {
        "prompt": results.prompts[prompt],
        "reference": None if reference is None else results.columns[reference].label,
        "shared_text": results.shared_text(prompt),
        "cells": [_cell(results, prompt, column) for column in results.row(prompt)],
    }


def _cell(results: Results, prompt: int, column: int) -> dict[str, Any]:
    cell, tokenizer = results.cells[prompt, column], results.tokenizers[column]
    places = zip(cell.ids.tolist(), cell.starts.tolist(), cell.ends.tolist(), strict=True)
    scores = zip(cell.logprobs.tolist(), cell.entropies.tolist(), strict=True)
    return {
        "column": results.columns[column].label,
        "text": cell.text,
        "seed": cell.seed,
        "precision": cell.precision,
        "backend": cell.backend,
        **row(results, prompt, column).figures,
        "parting": _parting(results, prompt, column),
        "tokens": [
            {"id": id, "text": tokenizer.piece(id), "start": start, "end": end, "logprob": logprob, "entropy": entropy}
            for (id, start, end), (logprob, entropy) in zip(places, scores, strict=True)
        ],
        "shared": _shared(results, prompt, column),
    }


def _parting(results: Results, prompt: int, column: int) -> dict[str, Any] | None:
    """Where the cell parts from the reference's, and the most likely tokens of both there."""
    reference = results.reference(prompt)
    assert reference is not None
    place = results.parting(prompt, reference, column)
    if place is None:
        return None
    return {
        "character": place.character,
        "reference_token": place.first,
        "token": place.second,
        "reference_top": results.top(prompt, reference, place.first),
        "top": results.top(prompt, column, place.second),
    }


def _shared(results: Results, prompt: int, column: int) -> list[dict[str, Any]] | None:
    """The tokens of the shared text; those without a prediction have null."""
    reading = results.cells[prompt, column].shared
    if reading is None:
        return None
    reference = results.reference(prompt)
    theirs = None if reference is None else results.cells[prompt, reference].shared
    change = None if theirs is None else reading.surprisal_change(theirs)
    piece = results.tokenizers[column].piece
    tokens: list[dict[str, Any]] = []
    for place, id in enumerate(reading.ids.tolist()):
        known = place > 0
        token: dict[str, Any] = {"id": id, "text": piece(id)}
        token["logprob"] = float(reading.logprobs[place]) if known else None
        token["kl"] = float(reading.kl[place]) if known and reading.kl is not None else None
        token["surprisal_change"] = float(change[place]) if known and change is not None else None
        tokens.append(token)
    return tokens
