"""Ablation and patching, against a plain implementation with hooks that reads the whole text for each part."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.ablation import Replacement, ablate
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass
from gptdesk.inference.inspection.parts import Kind, Part, heads_and_mlps
from gptdesk.inference.inspection.patching import PromptPair, Site, patch
from tests.gpt2_variants import variant_ids
from tests.inference.inspection.models import folder_of, ours, random_model

IDS = variant_ids()
POSITION, TOKEN = 17, IDS[18]


@pytest.fixture(scope="module")
def model() -> GPT2:
    return random_model()


@pytest.fixture(scope="module")
def run(model: GPT2) -> ForwardPass:
    return forward_pass(model, IDS)


@contextmanager
def changed(module: Any, change: Callable[[Tensor], Tensor], *, output: bool) -> Iterator[None]:
    """Changes the input or the output of a module, (T, ...), while the context is open."""
    if output:
        handle = module.register_forward_hook(lambda _, __, y: change(y[0].clone())[None])
    else:
        handle = module.register_forward_pre_hook(lambda _, x: (change(x[0][0].clone())[None], *x[1:]))
    try:
        yield
    finally:
        handle.remove()


def place_of(model: GPT2, part: Part) -> tuple[Any, slice, bool]:
    """Where a part's values are: module, columns, and whether they are the module's output."""
    block: Any = model.h[part.layer or 0]
    size = model.config.head_size
    if part.kind is Kind.MLP:
        return block.mlp, slice(None), True
    return block.attn.c_proj, slice((part.head or 0) * size, ((part.head or 0) + 1) * size), False


def plain_ablation(model: GPT2, part: Part, replacement: Replacement, since: int) -> Tensor:
    """Log-probabilities behind `POSITION` with a part switched off from ``since`` on."""
    module, columns, output = place_of(model, part)

    def off(values: Tensor) -> Tensor:
        new = values[:, columns].mean(0) if replacement is Replacement.MEAN else 0.0
        values[since : POSITION + 1, columns] = new
        return values

    with torch.inference_mode(), changed(module, off, output=output):
        return model(torch.tensor([IDS]))[0, POSITION].log_softmax(-1)


@pytest.mark.parametrize("since", [0, 9, POSITION], ids=["all tokens", "some tokens", "this token"])
@pytest.mark.parametrize("replacement", Replacement)
def test_ablation_equals_a_plain_one_with_hooks(
    model: GPT2, run: ForwardPass, replacement: Replacement, since: int
) -> None:
    found = list(ablate(run, POSITION, TOKEN, replacement=replacement, since=since))
    assert sorted(one.part.name for one in found) == sorted(part.name for part in heads_and_mlps(3, 3))
    with torch.inference_mode():
        own = model(torch.tensor([IDS]))[0, POSITION].log_softmax(-1)
    for part, change, kl in found:
        without = plain_ablation(model, part, replacement, since)
        assert change == pytest.approx(float(without[TOKEN] - own[TOKEN]), abs=1e-4)
        assert kl == pytest.approx(float((own.exp() * (own - without)).sum()), abs=1e-4)


def test_ablation_of_other_variants(tmp_path: Any) -> None:
    other = ours(folder_of("Mistral's, with upcast attention", tmp_path))
    for part, change, _ in ablate(forward_pass(other, IDS), POSITION, TOKEN):
        with torch.inference_mode():
            own = other(torch.tensor([IDS]))[0, POSITION].log_softmax(-1)
        assert change == pytest.approx(
            float(plain_ablation(other, part, Replacement.ZERO, 0)[TOKEN] - own[TOKEN]), abs=1e-4
        )


def test_the_part_with_the_largest_direct_share_comes_first(run: ForwardPass) -> None:
    from gptdesk.inference.inspection.attribution import attribution

    with torch.inference_mode():
        logits = run.model(run.ids[None])[0, POSITION]
    rival = next(id for id in logits.topk(2).indices.tolist() if id != TOKEN)
    direct = attribution(run, POSITION, TOKEN, rival)
    known = set(heads_and_mlps(3, 3))
    sizes = {part: abs(float(s)) for part, s in zip(direct.parts, direct.shares, strict=True) if part in known}
    assert next(iter(ablate(run, POSITION, TOKEN))).part == max(sizes, key=lambda part: sizes[part])


def test_chosen_parts_alone_are_switched_off(run: ForwardPass) -> None:
    chosen = [Part(Kind.HEAD, 1, 2), Part(Kind.MLP, 2)]
    assert {one.part for one in ablate(run, POSITION, TOKEN, parts=chosen)} == set(chosen)


def test_an_ablation_ends_before_the_next_block(run: ForwardPass) -> None:
    asked = count()
    found: list[Any] = []
    with pytest.raises(Interrupted):
        found.extend(ablate(run, POSITION, TOKEN, interrupted=lambda: next(asked) == 5))
    assert next(asked) == 6
    assert len(found) < 12


# Patching

CLEAN, CORRUPTED = IDS[:12], [*IDS[:3], 50, *IDS[4:7], 60, *IDS[8:12]]
ANSWER, OTHER = 7, 31


@pytest.fixture(scope="module")
def pair(model: GPT2) -> PromptPair:
    return PromptPair(forward_pass(model, CLEAN), forward_pass(model, CORRUPTED), ANSWER, OTHER)


def logit_difference(model: GPT2, ids: list[int]) -> float:
    with torch.inference_mode():
        logits = model(torch.tensor([ids]))[0, -1]
    return float(logits[ANSWER] - logits[OTHER])


def plain_patch(model: GPT2, site: Site, layer: int, place: int) -> float:
    """The difference of the logits of the corrupted run with what the clean one has there."""
    block: Any = model.h[layer]
    module, output = {
        Site.RESIDUAL: (block, False),
        Site.ATTENTION: (block.attn, True),
        Site.MLP: (block.mlp, True),
        Site.HEADS: (block.attn.c_proj, False),
    }[site]
    kept: list[Tensor] = []

    def keep(values: Tensor) -> Tensor:
        kept.append(values)
        return values

    def put(values: Tensor) -> Tensor:
        if site is Site.HEADS:
            size = model.config.head_size
            values[:, place * size : (place + 1) * size] = kept[0][:, place * size : (place + 1) * size]
        else:
            values[place] = kept[0][place]
        return values

    with changed(module, keep, output=output):
        logit_difference(model, CLEAN)
    with changed(module, put, output=output):
        return logit_difference(model, CORRUPTED)


@pytest.mark.parametrize("site", Site)
def test_patching_equals_a_plain_one_with_hooks(model: GPT2, pair: PromptPair, site: Site) -> None:
    clean, corrupted = logit_difference(model, CLEAN), logit_difference(model, CORRUPTED)
    rows = list(patch(pair, site))
    assert [row.layer for row in rows] == [0, 1, 2]
    for _, layer, shares in rows:
        assert len(shares) == (3 if site is Site.HEADS else 12)
        for place, share in enumerate(shares.tolist()):
            expected = (plain_patch(model, site, layer, place) - corrupted) / (clean - corrupted)
            assert share == pytest.approx(expected, abs=1e-3)


def test_the_same_tokens_bring_nothing_back_and_the_last_one_all_in_the_end(pair: PromptPair) -> None:
    rows = list(patch(pair, Site.RESIDUAL))
    assert rows[0].shares[:3].abs().max() < 1e-4  # the prompts begin alike
    assert rows[0].shares[3].abs() > 1e-3


def test_patching_goes_on_at_a_later_layer(pair: PromptPair) -> None:
    whole, rest = list(patch(pair, Site.HEADS)), list(patch(pair, Site.HEADS, first=2))
    assert [row.layer for row in rest] == [2]
    torch.testing.assert_close(rest[0].shares, whole[2].shares)


def test_prompts_of_other_lengths_are_refused(model: GPT2) -> None:
    with pytest.raises(UserError, match="same number of tokens; they have 12 and 11"):
        PromptPair(forward_pass(model, CLEAN), forward_pass(model, CORRUPTED[:-1]), ANSWER, OTHER)


def test_prompts_that_are_answered_alike_are_refused(model: GPT2) -> None:
    run = forward_pass(model, CLEAN)
    with pytest.raises(UserError, match="nothing to bring back"):
        PromptPair(run, run, ANSWER, OTHER)


def test_patching_ends_before_the_next_block(pair: PromptPair) -> None:
    asked = count()
    with pytest.raises(Interrupted):
        list(patch(pair, Site.RESIDUAL, interrupted=lambda: next(asked) == 2))
    assert next(asked) == 3
