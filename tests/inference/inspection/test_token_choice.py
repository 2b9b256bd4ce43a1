"""The inspection of a token repeats how it was chosen."""

from dataclasses import replace

import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.inspection.token_choice import inspect
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
        DecodingSettings(temperature=1.5, mirostat_tau=5.0, mirostat_eta=0.5),
        DecodingSettings(mirostat_tau=4.0, xtc_probability=0.5, xtc_threshold=0.0005),
        DecodingSettings(top_k=20, frequency_penalty=1.0, dry_multiplier=0.8, sampler_order=("top_k", "temperature")),
    ],
    ids=["cut-offs", "greedy", "by chance", "Mirostat", "Mirostat after XTC", "penalties"],
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


def test_what_mirostat_has_learnt_is_not_known_where_its_choices_cannot_be_repeated(engine: Engine) -> None:
    settings = DecodingSettings(mirostat_tau=3.0)
    reader = TextReader(engine)
    first = inspect(engine, reader, PROMPT, [], settings)
    repeated = inspect(engine, reader, PROMPT, [11], replace(settings, mirostat_tau=20.0))
    impossible = inspect(engine, reader, PROMPT, [11] * 20, replace(settings, mirostat_tau=0.01))
    past_the_context = inspect(engine, reader, PROMPT, [11] * 90, settings)
    by_chance = inspect(engine, reader, PROMPT, [11], replace(settings, xtc_probability=0.5))
    found = (first, repeated, impossible, past_the_context, by_chance)
    assert [one is not None and one.exact for one in found] == [True, True, False, False, False]


@pytest.mark.parametrize("place", [0, 3])
def test_other_settings_give_what_an_inspection_with_them_gives_without_the_model(engine: Engine, place: int) -> None:
    settings = DecodingSettings(top_k=300, mirostat_tau=5.0, seed=9, max_tokens=4)
    chosen = [event.id for event in engine.generate(PROMPT, settings) if isinstance(event, TokenEvent)][:place]
    reader = TextReader(engine)
    found = inspect(engine, reader, PROMPT, chosen, settings, seed=9)
    assert found is not None
    for changes in ({"top_k": 3}, {"temperature": 0.0}, {"logit_bias": {11: -100.0}}, {"top_k": 0, "min_p": 0.9}):
        other = replace(settings, **changes)
        tried = found.again(other)
        assert tried.exact
        assert tried.xray.draw is not None
        assert tried.chain.settings == other
        if not place:
            expected = inspect(engine, reader, PROMPT, [], other, seed=9)
            assert expected is not None
            assert expected.xray.draw == tried.xray.draw
            assert expected.xray.probs.tolist() == tried.xray.probs.tolist()
    assert found.again(settings).xray.draw == found.xray.draw
    slower = found.again(replace(settings, mirostat_eta=0.9))
    assert slower.exact == (place == 0)
    with pytest.raises(UserError, match="ban every token"):
        found.again(DecodingSettings(logit_bias=dict.fromkeys(range(engine.vocab_size), -100.0)))


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
