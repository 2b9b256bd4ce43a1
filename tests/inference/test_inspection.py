"""The inspection of a token repeats how it was chosen."""

import pytest

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.inspection import inspect
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.settings import DecodingSettings

PROMPT = "Once upon a time there was a"


@pytest.fixture(scope="module")
def engine() -> Engine:
    import torch

    torch.manual_seed(4)
    return Engine(GPT2(GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=2)), gpt2_tokenizer())


@pytest.mark.parametrize(
    "settings",
    [
        DecodingSettings(temperature=0.7, top_p=0.9),
        DecodingSettings(temperature=0),
        DecodingSettings(top_k=300, xtc_probability=0.5, xtc_threshold=0.0005, repetition_penalty=1.3),
        DecodingSettings(top_k=20, frequency_penalty=1.0, dry_multiplier=0.8, sampler_order=("top_k", "temperature")),
    ],
    ids=["cut-offs", "greedy", "by chance", "penalties"],
)
def test_the_draw_of_each_token_of_a_completion_is_found_again(engine: Engine, settings: DecodingSettings) -> None:
    settings = DecodingSettings(**settings.to_json(), seed=9, max_tokens=20)
    chosen = [event.id for event in engine.generate(PROMPT, settings) if isinstance(event, TokenEvent)]
    assert len(chosen) == 20
    reader = TextReader(engine)
    for place, id in enumerate(chosen):
        found = inspect(engine, reader, PROMPT, chosen[:place], settings, seed=9)
        assert found is not None
        assert found.exact
        assert found.xray.draw is not None
        assert found.xray.draw.id == id


def test_what_mirostat_has_learnt_is_known_at_the_first_token_only(engine: Engine) -> None:
    settings = DecodingSettings(mirostat_tau=3.0)
    reader = TextReader(engine)
    first = inspect(engine, reader, PROMPT, [], settings)
    later = inspect(engine, reader, PROMPT, [11], settings)
    assert first is not None
    assert later is not None
    assert (first.exact, later.exact) == (True, False)


def test_nothing_is_read_again_for_other_settings_or_another_place_of_a_text_that_was_read(engine: Engine) -> None:
    reader = TextReader(engine)
    ids = engine.tokenizer.encode(PROMPT)
    assert reader.read_ahead(PROMPT)

    def refuse(tokens: int) -> bool:
        raise AssertionError("nothing is to be read")

    for place in range(1, len(ids) + 1):
        found = inspect(engine, reader, ids[:place], [], DecodingSettings(top_k=place), text=PROMPT, interrupted=refuse)
        assert found is not None
        assert len(found.xray.ids) == place
