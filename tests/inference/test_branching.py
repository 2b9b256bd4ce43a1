"""A branch is generated as if its text had been the prompt, and reads again only what differs."""

from collections.abc import Iterator

import numpy as np
import pytest

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.block_sizes import PROMPT_CHUNK as CHUNK
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.random_models import random_model

CONFIG = GPT2Config(vocab_size=300, n_positions=4 * CHUNK, n_embd=32, n_layer=2, n_head=2)
SETTINGS = DecodingSettings(max_tokens=12, seed=4, top_k=60, top_logprobs=3)


@pytest.fixture(scope="module")
def model() -> GPT2:
    return random_model(CONFIG)


@pytest.fixture
def tokens_read(model: GPT2) -> Iterator[list[int]]:
    """How many tokens each pass through the network read."""
    counts: list[int] = []
    hook = model.wte.register_forward_hook(lambda module, args, output: counts.append(args[0].shape[1]))
    yield counts
    hook.remove()


def completion(engine: Engine, prompt: list[int]) -> list[TokenEvent]:
    return [event for event in engine.generate(prompt, SETTINGS) if isinstance(event, TokenEvent)]


@pytest.mark.parametrize("length", [10, 2 * CHUNK - 4, 2 * CHUNK, 2 * CHUNK + 10])
@pytest.mark.parametrize("place", [0, 3, 11])
def test_a_branch_is_that_of_a_fresh_engine_and_reads_only_its_last_chunk(
    model: GPT2, tokens_read: list[int], length: int, place: int
) -> None:
    prompt = np.random.default_rng(length).integers(0, 300, length).tolist()
    engine = Engine(model, gpt2_tokenizer())
    first = completion(engine, prompt)
    alternative = next(one.id for one in first[place].top if one.id != first[place].id)
    branch = [*prompt, *(event.id for event in first[:place]), alternative]
    tokens_read.clear()
    found = completion(engine, branch)
    shared = length - length % CHUNK
    assert tokens_read == [*chunks(len(branch), shared), *[1] * (len(found) - 1)]
    assert found == completion(Engine(model, gpt2_tokenizer()), branch)


def test_a_branch_in_a_text_that_was_read_ahead_reads_only_from_the_last_chunk_before_it(
    model: GPT2, tokens_read: list[int]
) -> None:
    text = np.random.default_rng(5).integers(0, 300, 3 * CHUNK + 20).tolist()
    engine = Engine(model, gpt2_tokenizer())
    TextReader(engine).read_ahead(text)
    branch = [*text[: 2 * CHUNK + 7], 5]
    tokens_read.clear()
    found = completion(engine, branch)
    assert tokens_read == [8, *[1] * (len(found) - 1)]
    assert found == completion(Engine(model, gpt2_tokenizer()), branch)


def chunks(length: int, start: int) -> list[int]:
    """Lengths of the chunks of a text from ``start`` on."""
    return [min(CHUNK, length - first) for first in range(start, length, CHUNK)]
