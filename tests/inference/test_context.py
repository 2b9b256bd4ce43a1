"""Reading prompts in chunks, reusing what was read before, and decoding after it: the bits never change."""

import numpy as np
import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.block_sizes import PROMPT_CHUNK as CHUNK
from gptdesk.inference.context import Context
from gptdesk.inference.decode import DecodeInput, decode
from gptdesk.inference.in_torch.network import TorchNetwork
from tests.random_models import random_model

CONFIG = GPT2Config(vocab_size=500, n_positions=4 * CHUNK, n_embd=48, n_layer=2, n_head=3)


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def model():
    return random_model(CONFIG)


@pytest.fixture
def tokens_read(model):
    """How many tokens each pass through the model read."""
    counts = []
    hook = model.wte.register_forward_hook(lambda module, args, output: counts.append(args[0].shape[1]))
    yield counts
    hook.remove()


@pytest.fixture(scope="module")
def ids():
    return torch.randint(
        0, CONFIG.vocab_size, (CONFIG.n_positions,), generator=torch.Generator().manual_seed(2)
    ).tolist()


def _fresh(model: GPT2, prompt: list[int]) -> Context:
    context = Context(TorchNetwork(model))
    assert context.read(prompt, never)
    return context


@torch.inference_mode()
def test_every_length_read_or_stepped_equals_the_full_forward(model, ids):
    whole = model(torch.tensor([ids]))[0]
    read = Context(TorchNetwork(model))
    for length in range(1, len(ids) + 1, 7):
        assert read.read(ids[:length], never)
        torch.testing.assert_close(torch.from_numpy(read.logits), whole[length - 1], atol=1e-4, rtol=0)
    stepped = _fresh(model, ids[: CHUNK + 5])
    for place in range(CHUNK + 5, len(ids)):
        stepped.append(ids[place])
        torch.testing.assert_close(torch.from_numpy(stepped.logits), whole[place], atol=1e-4, rtol=0)
    assert stepped.is_full


def test_an_extended_prompt_reads_only_from_the_last_whole_chunk_on(model, ids, tokens_read):
    context = _fresh(model, ids[: 2 * CHUNK + 10])
    tokens_read.clear()
    context.read(ids[: 3 * CHUNK + 1], never)
    assert tokens_read == [CHUNK, 1]


def test_the_network_says_how_much_is_read_at_once(model, ids, tokens_read):
    network = TorchNetwork(model)
    network.prompt_chunk = 2 * CHUNK
    context = Context(network)
    context.read(ids[: 3 * CHUNK], never)
    context.read(ids[: 3 * CHUNK + 1], never)
    assert tokens_read == [2 * CHUNK, CHUNK, CHUNK + 1]


def test_the_same_prompt_is_not_read_again(model, ids, tokens_read):
    context = _fresh(model, ids[:70])
    first = context.logits
    for id in ids[70:90]:
        context.append(id)
    tokens_read.clear()
    assert context.read(ids[:70], never)
    assert np.array_equal(context.logits, first)
    assert tokens_read == []


@pytest.mark.parametrize("length", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 9, 4 * CHUNK])
@pytest.mark.parametrize("before", [0, 1, CHUNK, CHUNK + 30, 3 * CHUNK, 4 * CHUNK])
@pytest.mark.parametrize("stepped", [False, True], ids=["read", "read and stepped"])
def test_what_was_read_before_changes_no_bit(model, ids, before, length, stepped):
    context = Context(TorchNetwork(model))
    if before:
        context.read(ids[:before], never)
    if before and stepped:
        for id in ids[before : before + 20]:
            context.append(id)
    context.read(ids[:length], never)
    fresh = _fresh(model, ids[:length])
    assert np.array_equal(context.logits, fresh.logits)
    for id in ids[length : length + 5]:
        decode([DecodeInput(context, id), DecodeInput(fresh, id)], None)
        assert np.array_equal(context.logits, fresh.logits)


def test_a_prompt_that_differs_early_shares_nothing(model, ids):
    context = _fresh(model, ids[: 2 * CHUNK + 10])
    other = [ids[0] ^ 1, *ids[1 : 2 * CHUNK + 10]]
    context.read(other, never)
    assert np.array_equal(context.logits, _fresh(model, other).logits)


def test_reading_is_cancelled_between_chunks_and_goes_on_from_there(model, ids, tokens_read):
    context = Context(TorchNetwork(model))
    answers = iter([False, False, True])
    assert not context.read(ids[: 4 * CHUNK], lambda: next(answers))
    assert tokens_read == [CHUNK, CHUNK]
    assert context.read(ids[: 4 * CHUNK], never)
    assert tokens_read == [CHUNK] * 4
    assert np.array_equal(context.logits, _fresh(model, ids[: 4 * CHUNK]).logits)


def test_a_copy_goes_its_own_way(model, ids):
    first = _fresh(model, ids[:70])
    second = first.copy()
    second.append(3)
    for id in ids[70:75]:
        first.append(id)
    alone = _fresh(model, ids[:70])
    for id in ids[70:75]:
        alone.append(id)
    assert np.array_equal(first.logits, alone.logits)
    assert second.read(ids[:70], never)
    assert np.array_equal(second.logits, _fresh(model, ids[:70]).logits)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_cache_of_16_bit_weights_is_float32_on_a_cpu(model, ids, dtype):
    halved = GPT2(CONFIG)
    halved.load_state_dict(model.state_dict())
    halved = halved.to(dtype).eval()
    context = Context(TorchNetwork(halved))
    assert context.cache.keys.dtype == torch.float32
    context.read(ids[: CHUNK + 3], never)
    context.append(ids[CHUNK + 3])
    assert context.logits.dtype == np.float32
    exact = _fresh(model, ids[: CHUNK + 3])
    exact.append(ids[CHUNK + 3])
    difference = np.linalg.norm(context.logits - exact.logits) / np.linalg.norm(exact.logits)
    assert difference < 0.05


@pytest.mark.cuda
def test_logits_of_16_bit_weights_are_not_rounded_to_16_bits_on_a_gpu(model, ids):
    halved = GPT2(CONFIG)
    halved.load_state_dict(model.state_dict())
    context = _fresh(halved.to("cuda", torch.bfloat16).eval(), ids[:10])
    logits = torch.from_numpy(context.logits)
    assert not torch.equal(logits, logits.bfloat16().float())
