"""Residual streams, patterns, lens and attribution, against what ``transformers`` computes of the same models."""

from typing import Any, NamedTuple

import pytest
import torch

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.attention import first_token_share, head_means, patterns, weighted_norms
from gptdesk.inference.inspection.attribution import attribution
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass
from gptdesk.inference.inspection.largest import largest
from gptdesk.inference.inspection.lens import lens
from gptdesk.inference.inspection.parts import Kind, Part
from tests.inference.inspection.models import BUNDLED, MODELS, folder_of, ids_of, ours, theirs


class Looked(NamedTuple):
    """A model of theirs, what it says of a text, and our pass through the same text."""

    peer: Any
    said: Any
    model: GPT2
    run: ForwardPass


@pytest.fixture(scope="module", params=MODELS)
def looked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Looked:
    name = request.param
    folder = folder_of(name, tmp_path_factory.mktemp("model"))
    peer, model, ids = theirs(folder), ours(folder), ids_of(name)
    with torch.inference_mode():
        said = peer(torch.tensor([ids]), output_hidden_states=True, output_attentions=True)
    return Looked(peer, said, model, forward_pass(model, ids))


def equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)


def test_residual_streams(looked: Looked) -> None:
    """Theirs ends with the final norm."""
    streams = torch.cat(looked.said.hidden_states)
    equal(looked.run.residual[:-1], streams[:-1])
    with torch.inference_mode():
        equal(looked.model.ln_f(looked.run.residual[-1]), streams[-1])


def test_patterns_and_their_means(looked: Looked) -> None:
    expected = torch.cat(looked.said.attentions)
    found = patterns(looked.run)
    equal(found, expected)
    equal(head_means(looked.run), expected.mean(1))
    equal(first_token_share(looked.run), expected[:, :, 1:, 0].mean(-1))
    equal(looked.run.pattern(1, first=4, last=7), expected[1, :, 4:7])
    equal(found.sum(-1), torch.ones_like(found[..., 0]))


def test_weighted_norms_are_those_of_what_moves(looked: Looked) -> None:
    """Every pair of tokens, as Kobayashi et al. have it: the value of one behind the output matrix, weighted."""
    block = looked.peer.transformer.h[1]
    C, nh = looked.peer.config.n_embd, looked.peer.config.n_head
    with torch.inference_mode():
        values = block.attn.c_attn(block.ln_1(looked.said.hidden_states[1]))[0, :, 2 * C :].view(-1, nh, C // nh)
        heads = block.attn.c_proj.weight.view(nh, C // nh, C)
        moved = torch.einsum("hij,jhs,hsc->hijc", looked.said.attentions[1][0], values, heads)
        found = weighted_norms(looked.run, 1)
    equal(found, moved.norm(dim=-1))


def test_lens(looked: Looked) -> None:
    streams = torch.cat(looked.said.hidden_states)
    with torch.inference_mode():
        normalised = torch.cat([looked.peer.transformer.ln_f(streams[:-1]), streams[-1:]])
        logprobs = looked.peer.lm_head(normalised).log_softmax(-1)
    found = lens(looked.run, top=3)
    best = logprobs.topk(3)
    equal(found.top_probabilities, best.values.exp())
    chosen = logprobs.gather(-1, found.top_ids).exp()
    equal(found.top_probabilities, chosen)
    following = looked.run.ids[1:].expand(len(logprobs), -1)[..., None]
    its = logprobs[:, :-1].gather(-1, following)
    equal(found.next_logprobs[:, :-1], its[..., 0])
    assert found.next_logprobs[:, -1].isnan().all()
    above, near = (logprobs[:, :-1] > its + 1e-4).sum(-1), (logprobs[:, :-1] > its - 1e-4).sum(-1)
    assert (found.next_ranks[:, :-1] > above).all()  # tokens that are as likely to 1e-4 may change places
    assert (found.next_ranks[:, :-1] <= near.clamp_min(1)).all()
    assert (found.next_ranks[:, -1] == 0).all()
    equal(found.kl, (logprobs[-1].exp() * (logprobs[-1] - logprobs)).sum(-1))
    equal(found.entropy, -(logprobs.exp() * logprobs).sum(-1))


def test_lens_of_some_tokens_is_that_part_of_all(looked: Looked) -> None:
    whole, part = lens(looked.run), lens(looked.run, 3, 9)
    assert part.first == 3
    equal(part.top_probabilities, whole.top_probabilities[:, 3:9])
    equal(part.next_logprobs, whole.next_logprobs[:, 3:9])
    equal(part.kl, whole.kl[:, 3:9])


def test_attribution_adds_up_to_the_logit(looked: Looked) -> None:
    logits = looked.said.logits[0]
    for position in (0, 5, len(looked.run.ids) - 1):
        token, other = logits[position].topk(2).indices.tolist()
        one = attribution(looked.run, position, token)
        assert float(one.shares.sum()) == pytest.approx(float(logits[position, token]), abs=1e-3)
        assert one.logit == pytest.approx(float(logits[position, token]), abs=1e-3)
        two = attribution(looked.run, position, token, other)
        assert float(two.shares.sum()) == pytest.approx(
            float(logits[position, token] - logits[position, other]), abs=1e-3
        )
        assert len(set(two.parts)) == len(two.parts)


def test_the_share_of_a_head_is_what_its_output_adds_with_the_scale_frozen(looked: Looked) -> None:
    peer, position, layer, head = looked.peer, 5, 1, 1
    block, size = peer.transformer.h[layer], peer.config.n_embd // peer.config.n_head
    token = int(looked.said.logits[0, position].argmax())
    with torch.inference_mode():
        values = block.attn.c_attn(block.ln_1(looked.said.hidden_states[layer]))[0, :, -peer.config.n_embd :]
        part = slice(head * size, (head + 1) * size)
        output = looked.said.attentions[layer][0, head, position] @ values[:, part] @ block.attn.c_proj.weight[part]
        scale = (looked.run.residual[-1, position].var(unbiased=False) + peer.config.layer_norm_epsilon).sqrt()
        share = ((output - output.mean()) / scale * peer.transformer.ln_f.weight) @ peer.lm_head.weight[token]
    found = attribution(looked.run, position, token)
    assert float(found.shares[found.parts.index(Part(Kind.HEAD, layer, head))]) == pytest.approx(float(share), abs=1e-3)


def test_the_bundled_model_is_among_them() -> None:
    assert BUNDLED in MODELS
    assert len(MODELS) >= 18


@pytest.mark.parametrize("count", [3, 64, 640, 641, 1000])
@pytest.mark.parametrize("k", [1, 3])
def test_the_largest_numbers_are_found_as_torch_finds_them(count: int, k: int) -> None:
    generator = torch.Generator().manual_seed(count)
    x = torch.stack([torch.randperm(count, generator=generator) for _ in range(6)]).view(2, 3, count).float()
    values, indices = largest(x, k)
    best = x.topk(k, dim=-1)
    assert torch.equal(values, best.values)
    assert torch.equal(indices, best.indices)
