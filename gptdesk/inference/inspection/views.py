"""Every view of a text by its name: a table, and where it is a map, a picture of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from gptdesk.coloured_text import surprisal
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.inspection import rows
from gptdesk.inference.inspection.ablation import Ablated, Replacement, ablate
from gptdesk.inference.inspection.attribution import attribution
from gptdesk.inference.inspection.embeddings import Table, nearest, norms
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass, never
from gptdesk.inference.inspection.head_scores import head_scores
from gptdesk.inference.inspection.lens import lens
from gptdesk.inference.inspection.neurons import strongest_neurons, strongest_places
from gptdesk.inference.inspection.parts import Kind, Part
from gptdesk.inference.inspection.patching import PromptPair, Site, patch
from gptdesk.inference.inspection.picture import HeatMap
from gptdesk.inference.inspection.rows import Row
from gptdesk.inference.inspection.surprisal import surprisals
from gptdesk.inference.inspection.weights import unembed


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What is asked of a model.

    Attributes:
        model: in evaluation mode.
        tokenizer: of the model.
        vocab_size: tokens that count.
        ids: of the text.
        position: index of the token behind which the model is asked.
        token: id of the token that it is asked about; None: the one that follows in the text, behind its end the most
            likely one.
        other: id of the token with which it is compared; None: none.
        layer, head, neuron: the only ones that are looked at; None: all.
        corrupted: ids of the other prompt, for patching.
        site: what patching puts in.
        replacement: what stands for parts that are switched off.
        here: whether they are switched off at ``position`` alone, not at every token.
        table: whose vectors are compared.
        interrupted: asked between steps.
        progress: told how many steps are done, and of how many.
    """

    model: GPT2
    tokenizer: Tokenizer
    vocab_size: int
    ids: Sequence[int]
    position: int
    token: int | None = None
    other: int | None = None
    layer: int | None = None
    head: int | None = None
    neuron: int | None = None
    corrupted: Sequence[int] = ()
    site: Site = Site.RESIDUAL
    replacement: Replacement = Replacement.ZERO
    here: bool = False
    table: Table = Table.EMBEDDING
    interrupted: Callable[[], bool] = never
    progress: Callable[[int, int], object] = lambda done, total: None

    def run(self, ids: Sequence[int] | None = None) -> ForwardPass:
        """Reads the text, or another one."""
        return forward_pass(self.model, ids or self.ids, vocab_size=self.vocab_size, interrupted=self.interrupted)


@dataclass(frozen=True, eq=False)
class View:
    """An answer.

    Attributes:
        rows: of its table.
        heat_map: a picture; None for views that are no map.
    """

    rows: list[Row]
    heat_map: HeatMap | None = None


@torch.inference_mode()
def asked_token(run: ForwardPass, position: int, token: int | None = None) -> int:
    """The token that is asked about behind ``position``, as `Question.token` says."""
    if token is not None:
        return token
    if position + 1 < len(run.ids):
        return int(run.ids[position + 1])
    return int(unembed(run.model, run.residual[-1, position], run.vocab_size).argmax())


def _lens(question: Question) -> View:
    """Its picture shows the probability of the most likely token: a row a layer, the last one on top."""
    found = lens(question.run(), interrupted=question.interrupted)
    table = list(rows.lens_rows(found, question.ids, question.tokenizer))
    return View(table, HeatMap(found.top_probabilities[..., 0].numpy()[::-1], 1.0))


def _attention(question: Question) -> View:
    """Its picture shows patterns: a row of them a layer, a column a head, or the only one that was asked for."""
    run = question.run()
    layers = range(run.n_layer) if question.layer is None else [question.layer]
    table = [
        row
        for row in rows.attention_rows(run, question.position, layers, question.tokenizer)
        if question.head in (None, row["head"])
    ]
    heads = range(run.n_head) if question.head is None else [question.head]
    maps = [np.concatenate(list(run.pattern(layer)[list(heads)].cpu().numpy()), axis=1) for layer in layers]
    return View(table, HeatMap(np.concatenate(maps), 1.0, every=len(run.ids)))


def _attribution(question: Question) -> View:
    run = question.run()
    found = attribution(run, question.position, asked_token(run, question.position, question.token), question.other)
    shares = dict(zip(found.parts, found.shares.tolist(), strict=True))
    return View(list(rows.attribution_rows(found)), _map_of_parts(run.n_layer, run.n_head, shares))


def _heads(question: Question) -> View:
    """Its picture shows previous-token, duplicate-token and induction scores side by side."""
    found = head_scores(
        question.model,
        vocab_size=question.vocab_size,
        special=set(question.tokenizer.special_tokens.values()),
        interrupted=question.interrupted,
    )
    maps = [found.previous.numpy(), found.duplicate.numpy(), found.induction.numpy()]
    share = maps[0].shape[1]
    return View(list(rows.head_rows(found)), HeatMap(np.concatenate(maps, axis=1), 1.0, every=share))


def _ablation(question: Question) -> View:
    """Its picture shows changes of the log-probability."""
    run = question.run()
    found: list[Ablated] = []
    for one in ablate(
        run,
        question.position,
        asked_token(run, question.position, question.token),
        replacement=question.replacement,
        since=question.position if question.here else 0,
        interrupted=question.interrupted,
    ):
        found.append(one)
        question.progress(len(found), run.n_layer * (run.n_head + 1))
    found.sort(key=lambda one: -one.kl)
    changes = {one.part: rows.in_bits(one.change) for one in found}
    return View([rows.ablation_row(one) for one in found], _map_of_parts(run.n_layer, run.n_head, changes))


def _patching(question: Question) -> View:
    clean, corrupted = question.run(), question.run(question.corrupted)
    end = len(question.ids) - 1
    answer = asked_token(clean, end, question.token)
    other = asked_token(corrupted, len(question.corrupted) - 1, question.other)
    pair = PromptPair(clean, corrupted, answer, other)
    found = []
    for row in patch(pair, question.site, interrupted=question.interrupted):
        found.append(row)
        question.progress(len(found), clean.n_layer)
    table = [one for row in found for one in rows.patching_rows(row, question.ids, question.tokenizer)]
    return View(table, HeatMap(np.stack([row.shares.numpy() for row in found])[::-1], 1.0))


def _neurons(question: Question) -> View:
    if question.layer is not None and question.neuron is not None:
        texts = [question.ids]
        found = strongest_places(
            question.model, texts, question.layer, question.neuron, interrupted=question.interrupted
        )
        return View(list(rows.place_rows(found, texts, question.tokenizer)))
    strongest = strongest_neurons(question.run(), question.position)
    return View(list(rows.neuron_rows(strongest, question.tokenizer)))


def _embeddings(question: Question) -> View:
    token, table = question.ids[question.position], question.table
    found = nearest(question.model, token, table=table, vocab_size=question.vocab_size)
    return View(list(rows.near_rows(found, norms(question.model, table=table), question.tokenizer)))


def _surprisal(question: Question) -> View:
    """Its picture is one row of all tokens."""
    found = surprisals(question.model, question.ids, vocab_size=question.vocab_size, interrupted=question.interrupted)
    table = list(rows.surprisal_rows(found, question.ids, question.tokenizer))
    return View(table, HeatMap(found.numpy()[None], surprisal.MOST_BITS))


def _map_of_parts(n_layer: int, n_head: int, values: Mapping[Part, float]) -> HeatMap:
    """A row a layer, the last one on top, a column a head, and one for the MLP; its bias counts with it."""
    grid: npt.NDArray[np.float64] = np.full((n_layer, n_head + 1), np.nan)
    for layer in range(n_layer):
        for head in range(n_head):
            grid[layer, head] = values[Part(Kind.HEAD, layer, head)]
        grid[layer, n_head] = values[Part(Kind.MLP, layer)] + values.get(Part(Kind.MLP_BIAS, layer), 0.0)
    return HeatMap(grid[::-1], float(np.abs(grid).max()))


VIEWS: Final[Mapping[str, Callable[[Question], View]]] = {
    "lens": _lens,
    "attention": _attention,
    "attribution": _attribution,
    "heads": _heads,
    "ablation": _ablation,
    "patching": _patching,
    "neurons": _neurons,
    "embeddings": _embeddings,
    "surprisal": _surprisal,
}
"""The views by the names that the command line gives them."""
