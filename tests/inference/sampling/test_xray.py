"""The sampler X-ray shows exactly what tokens are drawn from."""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.choice import candidates, drawn_by
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.registry import SAMPLERS
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.inference.sampling.xray import XRay, xray
from tests.inference.sampling.logits import distinct, floats, tied

VOCAB = 60
NAMES = [sampler.settings[0] for sampler in SAMPLERS]


def random_settings(chance: random.Random) -> DecodingSettings:
    """Each setting is neutral half of the time."""
    ranges: dict[str, Any] = {
        "temperature": chance.choice([0.0, chance.uniform(0.05, 3), chance.uniform(0.05, 3)]),
        "dynatemp_range": chance.uniform(0.1, 2),
        "dynatemp_exponent": chance.uniform(0.2, 4),
        "top_n_sigma": chance.uniform(0.2, 3),
        "top_k": chance.randint(1, 70),
        "top_p": chance.random(),
        "min_p": chance.uniform(0, 0.3),
        "typical_p": chance.random(),
        "xtc_probability": chance.random(),
        "xtc_threshold": chance.uniform(0, 0.3),
        "mirostat_tau": chance.uniform(0.5, 5),
        "mirostat_eta": chance.random(),
        "repetition_penalty": chance.uniform(0.5, 2),
        "presence_penalty": chance.uniform(-1, 1),
        "frequency_penalty": chance.uniform(-1, 1),
        "no_repeat_ngram": chance.randint(1, 4),
        "dry_multiplier": chance.uniform(0.1, 2),
        "dry_base": chance.uniform(1, 4),
        "dry_allowed_length": chance.randint(1, 3),
        "dry_breakers": ("\n",),
        "logit_bias": {chance.randrange(VOCAB): chance.choice([-100.0, chance.uniform(-9, 9)]) for _ in range(3)},
        "logit_bias_tokenizer": "0" * 64,
        "sampler_order": tuple(chance.sample(NAMES, chance.randint(2, len(NAMES)))),
    }
    assert set(ranges) == {name for name, setting in SETTINGS.items() if setting.in_preset}, "none is left out"
    return DecodingSettings(**{name: value for name, value in ranges.items() if chance.random() < 0.5})


def check_stages(shown: XRay) -> None:
    for before, after in pairwise(shown.stages):
        assert after.title
        assert set(after.cut) == set(np.flatnonzero(before.left)) - set(np.flatnonzero(after.left))
        assert not (after.left & ~before.left).any()
        assert after.mass == pytest.approx(before.probs[after.left].sum(), abs=1e-5)
        assert after.probs.sum() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(np.flatnonzero(shown.stages[-1].left), shown.ids)


def test_the_last_candidates_and_their_probabilities_are_those_drawn_from_for_1000_random_settings() -> None:
    chance, drawn = random.Random(5), 0
    for seed in range(1000):
        values = random_settings(chance)
        chains = [SamplerChain(values) for _ in range(3)]
        numbers = [RandomNumbers(seed) for _ in range(3)]
        prompt, written = [chance.randrange(8) for _ in range(chance.randint(1, 12))], []
        for place in range(3):
            logits = distinct(VOCAB, seed + place) / 3 if seed % 2 else tied(VOCAB, seed + place, 9)
            history = History(prompt, written)
            try:
                shown = xray(logits, history, chains[0], numbers[0])
            except UserError:  # cut-offs left only what a ban behind them removes
                with pytest.raises(UserError):
                    chains[1].choose(logits, history, numbers[1])
                break
            check_stages(shown)
            chosen = chains[1].choose(logits, history, numbers[1])
            assert shown.draw is not None
            assert shown.draw.id == chosen
            if not values.greedy:
                chains[2].draw(numbers[2])
                final = chains[2].apply(logits, history)
                ids, probs = candidates(final)
                left = (final > -np.inf)[ids]
                assert np.array_equal(shown.ids, ids[left])
                assert np.array_equal(shown.probs, probs[left])
                assert drawn_by(numbers[2].uniform(), ids, probs) == chosen
                chains[2].learn(final, chosen)
            written.append(chosen)
            drawn += 1
    assert drawn > 2500


def test_each_sampler_says_who_it_cut_and_what_mass_was_left() -> None:
    logits = np.log(floats([0.4, 0.3, 0.2, 0.1]))
    values = DecodingSettings(top_k=3, top_p=0.5)
    shown = xray(logits, History([], []), SamplerChain(values))
    assert [(stage.title, stage.settings, stage.count) for stage in shown.stages] == [
        ("", (), 4),
        ("Top-k", ("top_k",), 3),
        ("Top-p", ("top_p",), 2),
    ]
    assert [stage.cut.tolist() for stage in shown.stages] == [[], [3], [2]]
    assert [round(stage.mass, 4) for stage in shown.stages] == [1, 0.9, 0.7778]
    assert shown.ids.tolist() == [0, 1]
    assert shown.draw is None


@pytest.mark.parametrize(
    ("name", "keeps"),
    [
        ("top_k", lambda edge, value: edge <= value),
        ("top_p", lambda edge, value: edge < value),
        ("min_p", lambda edge, value: edge >= value),
        ("typical_p", lambda edge, value: edge < value),
        ("top_n_sigma", lambda edge, value: edge <= value),
    ],
)
def test_each_token_is_removed_where_the_setting_passes_its_edge(name: str, keeps: Callable[..., Any]) -> None:
    (sampler,) = (one for one in SAMPLERS if one.settings == (name,))
    logits, ids = distinct(VOCAB, 3) / 3, np.arange(VOCAB)
    edges = sampler.edges(logits, ids)
    assert edges is not None
    limit = SETTINGS[name].limit
    assert limit is not None
    for value in np.linspace(0.02, 0.98, 9) if limit.highest == 1 else (1, 2, 3):
        left = xray(logits, History([], []), SamplerChain(DecodingSettings(**{name: value}))).stages[-1].left
        assert left.tolist() == keeps(edges, value).tolist()


def test_a_bias_of_another_vocabulary_changes_nothing() -> None:
    tokenizer = gpt2_tokenizer()
    logits = distinct(tokenizer.vocab_size, 1)
    for identity, banned in (("", True), (tokenizer.sha256, True), ("0" * 64, False)):
        values = DecodingSettings(logit_bias={5: -100.0}, logit_bias_tokenizer=identity)
        shown = xray(logits, History([], []), SamplerChain(values, tokenizer))
        assert (5 not in shown.ids) == banned
        assert shown.stages[1].title == "Logit bias"


def test_greedy_decoding_draws_no_number() -> None:
    numbers = RandomNumbers(1)
    shown = xray(floats([0, 1, 2, 3]), History([], []), SamplerChain(DecodingSettings(temperature=0)), numbers)
    assert shown.draw is not None
    assert (shown.draw.id, shown.draw.number) == (3, None)
    assert shown.probs.tolist() == [0, 0, 0, 1]
    assert numbers.uniform() == RandomNumbers(1).uniform()


def test_settings_that_ban_every_token_are_the_users_mistake() -> None:
    banning = DecodingSettings(logit_bias={0: -100.0, 1: -100.0})
    with pytest.raises(UserError, match="ban every token"):
        xray(floats([0, 0]), History([], []), SamplerChain(banning), RandomNumbers())
