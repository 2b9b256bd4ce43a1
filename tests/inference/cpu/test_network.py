"""The network in NumPy against the one in torch, at every position of the context."""

from functools import partial

import numpy as np
import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.in_torch.shared_weights import model_of
from gptdesk.inference.network import Network
from gptdesk.inference.scoring.token_scores import token_scores
from tests.inference.cpu.shapes import SHAPES, TOLERANCE, random_ids, random_weights, reference

SMALL = SHAPES["head size 32, odd layers"]


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_logits_equal_those_of_torch_whether_read_at_once_or_in_pieces(config: GPT2Config, precision: str) -> None:
    weights, ids = random_weights(config, precision), random_ids(config)
    network = CPUNetwork(weights)
    with torch.inference_mode():
        expected = reference(weights)(torch.tensor([ids]))[0].numpy()
    close = partial(np.testing.assert_allclose, atol=1e-4, rtol=1e-4)
    close(network.logits(network.read(ids, network.new_cache()), config.vocab_size), expected)
    cache, parts = network.new_cache(), []
    for part in (ids[:7], ids[7:8], ids[8:20], ids[20:]):
        parts += [network.read(part, cache)] if part else []
    close(network.logits(network.join(parts), config.vocab_size), expected)
    close(network.next_logits(parts[-1]), expected[-1])
    assert cache.length == len(ids)


@pytest.mark.parametrize("precision", TOLERANCE)
def test_scores_equal_those_of_torch(precision: str) -> None:
    weights, ids = random_weights(SMALL, precision), random_ids(SMALL)
    found = [scores_of(network, ids) for network in (CPUNetwork(weights), TorchNetwork(reference(weights)))]
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-3, rtol=1e-3)
    assert (found[0].ranks == found[1].ranks).all()
    assert (found[0].top_ids == found[1].top_ids).all()


def scores_of(network: Network, ids: list[int], top: int = 5):
    hidden = network.read(ids[:-1], network.new_cache())
    targets = np.array(ids[1:], np.int64)
    return token_scores(network, hidden, targets, network.config.vocab_size, top=top, interrupted=lambda: False)


def test_all_tokens_may_be_alternatives_and_none() -> None:
    config = SHAPES["odd widths"]
    network, ids = CPUNetwork(random_weights(config)), random_ids(config)
    every = scores_of(network, ids, config.vocab_size + 3)
    assert np.array_equal(np.sort(every.top_ids, axis=1), np.tile(np.arange(config.vocab_size), (len(ids) - 1, 1)))
    assert (np.diff(every.top_logprobs, axis=1) <= 0).all()
    assert scores_of(network, ids, 0).top_ids.shape == (len(ids) - 1, 0)


def test_what_is_given_up_leaves_the_cache_as_it_was() -> None:
    network, ids = CPUNetwork(random_weights(SMALL)), random_ids(SMALL)
    cache, alone = network.new_cache(), network.new_cache()
    network.read(ids[:10], cache)
    network.read(ids[:10], alone)
    answers = iter([False, True])
    with pytest.raises(Interrupted):
        network.read(ids[10:30], cache, interrupted=lambda: next(answers))
    assert cache.length == 10
    assert np.array_equal(network.read(ids[10:20], cache), network.read(ids[10:20], alone))


def test_a_copy_of_a_cache_goes_its_own_way() -> None:
    network, ids = CPUNetwork(random_weights(SMALL)), random_ids(SMALL)
    first, alone = network.new_cache(), network.new_cache()
    network.read(ids[:10], first)
    network.read(ids[:10], alone)
    second = first.copy()
    network.read(ids[40:50], second)
    assert np.array_equal(network.read(ids[10:20], first), network.read(ids[10:20], alone))


def test_damaged_weights_are_reported() -> None:
    weights, ids = random_weights(SMALL), random_ids(SMALL)
    weights.matrix("h.1.mlp.c_fc.weight").values[3] = np.nan
    with pytest.raises(UserError, match="not numbers"), np.errstate(invalid="ignore"):
        scores_of(CPUNetwork(weights), ids)


def test_torch_shares_the_memory_of_the_weights() -> None:
    for precision in TOLERANCE:
        weights = random_weights(SMALL, precision)
        model = model_of(weights)
        first, size = weights.memory.ctypes.data, weights.memory.nbytes
        matrices = [tensor for tensor in model.state_dict().values() if tensor.dim() == 2 and tensor.shape[0] > 100]
        assert matrices
        assert all(first <= tensor.data_ptr() < first + size for tensor in matrices)
        assert TorchNetwork(model).precision == precision
