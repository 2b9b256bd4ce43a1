"""Neurons and embeddings, against the plain product of the whole matrices."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection import embeddings
from gptdesk.inference.inspection.embeddings import Table, nearest, token_map
from gptdesk.inference.inspection.forward_pass import forward_pass
from gptdesk.inference.inspection.neurons import strongest_neurons, strongest_places
from tests.gpt2_variants import variant_ids
from tests.inference.inspection.models import random_model

IDS = variant_ids()


@pytest.fixture(scope="module")
def model() -> GPT2:
    return random_model(tied=False)


def plain_activations(model: GPT2, ids: list[int]) -> list[torch.Tensor]:
    """Of each layer, (T, inner): what the second matrix of the MLP gets."""
    kept: list[torch.Tensor] = []
    handles = [block.mlp.c_proj.register_forward_pre_hook(lambda _, x: kept.append(x[0][0])) for block in model.h]  # type: ignore
    with torch.inference_mode():
        model(torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    return kept


def test_the_strongest_neurons_are_those_that_write_most(model: GPT2) -> None:
    found = strongest_neurons(forward_pass(model, IDS), 11, count=6, top=4)
    activations = torch.stack([layer[11] for layer in plain_activations(model, IDS)])
    written = torch.stack([block.mlp.c_proj.weight.detach() for block in model.h])  # type: ignore
    strengths = activations.abs() * written.norm(dim=1)
    best = strengths.flatten().topk(6)
    torch.testing.assert_close(torch.tensor([one.strength for one in found]), best.values)
    for neuron, place in zip(found, best.indices.tolist(), strict=True):
        assert (neuron.layer, neuron.unit) == divmod(place, strengths.shape[1])
        assert neuron.activation == pytest.approx(float(activations[neuron.layer, neuron.unit]), abs=1e-5)
        direction = neuron.activation * written[neuron.layer, :, neuron.unit]
        with torch.inference_mode():
            logits = model.lm_head((direction - direction.mean()) * model.ln_f.weight)
        assert list(neuron.top_ids) == logits.topk(4).indices.tolist()


def test_the_strongest_places_of_a_neuron(model: GPT2) -> None:
    texts = [IDS[:20], IDS[20:]]
    found = strongest_places(model, texts, 1, 5, count=4)
    values = torch.cat([plain_activations(model, ids)[1][:, 5] for ids in texts])
    best = values.topk(4)
    torch.testing.assert_close(torch.tensor([place.activation for place in found]), best.values)
    assert [20 * place.text + place.position for place in found] == best.indices.tolist()


@pytest.mark.parametrize("table", Table)
def test_the_nearest_tokens_are_those_with_the_smallest_angle(model: GPT2, table: Table) -> None:
    matrix = (model.wte if table is Table.EMBEDDING else model.lm_head).weight.detach()
    cosines = F.cosine_similarity(matrix, matrix[9:10])
    best = cosines.topk(6)
    found = nearest(model, 9, table=table, count=5)
    assert [near.id for near in found] == best.indices[1:].tolist()
    torch.testing.assert_close(torch.tensor([near.cosine for near in found]), best.values[1:])
    torch.testing.assert_close(embeddings.norms(model, table=table), matrix.norm(dim=1))


def test_a_map_keeps_the_two_directions_of_most_variance(model: GPT2) -> None:
    tokens = [1, 5, 9, 22, 60]
    found = token_map(model, tokens)
    vectors = model.wte.weight.detach()[tokens].double()
    values, axes = torch.linalg.eigh((vectors - vectors.mean(0)).T @ (vectors - vectors.mean(0)))
    expected = (vectors - vectors.mean(0)) @ axes[:, [-1, -2]]
    torch.testing.assert_close(found.points.double().abs(), expected.abs(), atol=1e-5, rtol=1e-5)
    assert found.explained == pytest.approx((values[[-1, -2]] / values.sum()).tolist())
    assert (found.points.gather(0, found.points.abs().argmax(0, keepdim=True)) > 0).all()


def test_a_map_is_the_one_of_numpys_singular_value_decomposition(model: GPT2) -> None:
    tokens = [3, 8, 13, 21, 34, 55]
    found = token_map(model, tokens, table=Table.UNEMBEDDING)
    vectors = model.lm_head.weight.detach()[tokens].double().numpy()
    left, sizes, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    points = left[:, :2] * sizes[:2]
    points *= np.sign(points[np.abs(points).argmax(0), [0, 1]])  # the farthest point of an axis is positive
    np.testing.assert_allclose(found.points, points, atol=1e-5)
    assert found.explained == pytest.approx((sizes**2 / (sizes**2).sum())[:2].tolist())


def test_a_map_of_two_tokens_is_refused(model: GPT2) -> None:
    with pytest.raises(UserError, match="three different tokens"):
        token_map(model, [1, 2, 2])
