"""The views of a text as rows of a table: for a terminal, CSV, JSON, and readers of a screen."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.inspection.ablation import Ablated
from gptdesk.inference.inspection.attention import weighted_norms
from gptdesk.inference.inspection.attribution import Attribution
from gptdesk.inference.inspection.embeddings import Near
from gptdesk.inference.inspection.forward_pass import ForwardPass
from gptdesk.inference.inspection.head_scores import HeadScores
from gptdesk.inference.inspection.lens import Lens
from gptdesk.inference.inspection.neurons import Neuron, Place
from gptdesk.inference.inspection.patching import PatchedRow, Site

Value = str | int | float | None
Row = dict[str, Value]
"""A row by the names of its columns, the same in every row of a table."""


def in_bits(nats: float) -> float:
    """An amount of information in bits."""
    return nats / math.log(2)


def layer_name(row: int) -> str:
    """The name of a row of a `Lens`: what it comes behind."""
    return "embedding" if row == 0 else f"L{row - 1}"


def lens_rows(found: Lens, ids: Sequence[int], tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each token and layer; KL and entropy in bits. ``ids`` are those of the whole text."""
    for place in range(found.kl.shape[1]):
        position = found.first + place
        following = ids[position + 1] if position + 1 < len(ids) else None
        for layer in range(len(found.kl)):
            logprob = float(found.next_logprobs[layer, place])
            yield {
                "position": position,
                "token": tokenizer.piece(ids[position]),
                "layer": layer_name(layer),
                "top": tokenizer.piece(int(found.top_ids[layer, place, 0])),
                "top_probability": float(found.top_probabilities[layer, place, 0]),
                "next": None if following is None else tokenizer.piece(following),
                "next_probability": None if following is None else math.exp(logprob),
                "next_rank": None if following is None else int(found.next_ranks[layer, place]),
                "kl": in_bits(float(found.kl[layer, place])),
                "entropy": in_bits(float(found.entropy[layer, place])),
            }


def surprisal_rows(found: Tensor, ids: Sequence[int], tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each token; its surprisal in bits, none for the first."""
    for position, (id, bits) in enumerate(zip(ids, found.tolist(), strict=True)):
        yield {
            "position": position,
            "token": tokenizer.piece(id),
            "surprisal": None if math.isnan(bits) else bits,
        }


def attention_rows(run: ForwardPass, position: int, layers: Iterable[int], tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each layer, head and token that the token at ``position`` may look at."""
    ids = run.ids.tolist()
    for layer in layers:
        weights = run.pattern(layer, position, position + 1)[:, 0].tolist()
        norms = weighted_norms(run, layer)[:, position].tolist()
        for head in range(run.n_head):
            for key in range(position + 1):
                yield {
                    "layer": layer,
                    "head": head,
                    "query": position,
                    "key": key,
                    "token": tokenizer.piece(ids[key]),
                    "weight": weights[head][key],
                    "norm": norms[head][key],
                }


def attribution_rows(found: Attribution) -> Iterator[Row]:
    """A row for each part, the largest share first, positive or negative."""
    shares = found.shares.tolist()
    for place in sorted(range(len(shares)), key=lambda place: -abs(shares[place])):
        part = found.parts[place]
        yield {"part": part.name, "layer": part.layer, "head": part.head, "share": shares[place]}


def head_rows(found: HeadScores) -> Iterator[Row]:
    """A row for each head."""
    layers, heads = found.previous.shape
    for layer in range(layers):
        for head in range(heads):
            yield {
                "layer": layer,
                "head": head,
                "previous_token": float(found.previous[layer, head]),
                "duplicate_token": float(found.duplicate[layer, head]),
                "induction": float(found.induction[layer, head]),
            }


def ablation_row(found: Ablated) -> Row:
    """A row for one part; both columns in bits."""
    part = found.part
    return {
        "part": part.name,
        "layer": part.layer,
        "head": part.head,
        "change": in_bits(found.change),
        "kl": in_bits(found.kl),
    }


def patching_rows(found: PatchedRow, ids: Sequence[int], tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each token or head of a layer; ``ids`` are those of the clean prompt."""
    by_head = found.site is Site.HEADS
    for place, share in enumerate(found.shares.tolist()):
        yield {
            "site": found.site.value,
            "layer": found.layer,
            "position": None if by_head else place,
            "token": None if by_head else tokenizer.piece(ids[place]),
            "head": place if by_head else None,
            "share": share,
        }


def neuron_rows(found: Iterable[Neuron], tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each neuron."""
    for neuron in found:
        yield {
            "layer": neuron.layer,
            "neuron": neuron.unit,
            "activation": neuron.activation,
            "strength": neuron.strength,
            "tokens": " ".join(repr(tokenizer.piece(id)) for id in neuron.top_ids),
        }


def place_rows(found: Iterable[Place], texts: Sequence[Sequence[int]], tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each place of a neuron."""
    for place in found:
        token = tokenizer.piece(texts[place.text][place.position])
        yield {"text": place.text, "position": place.position, "token": token, "activation": place.activation}


def near_rows(found: Iterable[Near], norms: Tensor, tokenizer: Tokenizer) -> Iterator[Row]:
    """A row for each token near another one; ``norms`` of all tokens' vectors, (V)."""
    for near in found:
        yield {
            "id": near.id,
            "token": tokenizer.piece(near.id),
            "cosine": near.cosine,
            "norm": float(norms[near.id]),
        }


def as_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a CSV file with headings; empty fields where there is no value."""
    heading = True
    for row in rows:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, list(row), lineterminator="\n")
        if heading:
            writer.writeheader()
            heading = False
        writer.writerow(row)
        yield buffer.getvalue()


def as_text(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a table for a terminal: numbers to the right, texts in quotes to the left."""
    written = [{name: _written(value) for name, value in row.items()} for row in rows]
    if not written:
        return
    names = list(written[0])
    widths = {name: max(len(name), *(len(row[name][0]) for row in written)) for name in names}
    texts = {name: any(row[name][1] for row in written) for name in names}

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(widths[name]) if texts[name] else cell.rjust(widths[name])
            for name, cell in zip(names, cells, strict=True)
        )
        return "  ".join(padded).rstrip() + "\n"

    yield line(names)
    for row in written:
        yield line([row[name][0] for name in names])


def _written(value: Value) -> tuple[str, bool]:
    """A value as text, and whether it is one."""
    if value is None:
        return "-", False
    if isinstance(value, str):
        return (value if value.isprintable() and value == value.strip() and value else repr(value)), True
    return (f"{value:.4f}" if isinstance(value, float) else str(value)), False
