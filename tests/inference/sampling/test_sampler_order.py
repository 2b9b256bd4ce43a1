"""The order of samplers: as ever by default, and as a person says."""

import argparse

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.inference.cuda.sampling import is_simple
from gptdesk.inference.sampling import fast
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.flags import add_flags, given_settings
from gptdesk.inference.sampling.registry import SAMPLERS, in_order
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.sampling.logits import distinct

NAMES = [sampler.settings[0] for sampler in SAMPLERS]


def names_of(order: tuple[str, ...]) -> list[str]:
    return [sampler.settings[0] for sampler in in_order(order)]


def test_the_default_order_written_out_changes_no_bit():
    values = DecodingSettings(temperature=0.7, top_k=50, top_p=0.9, min_p=0.01, repetition_penalty=1.2)
    logits, history = distinct(500, 2), History([1, 2, 3], [4])
    written = DecodingSettings(**values.to_json(), sampler_order=tuple(NAMES))
    assert np.array_equal(SamplerChain(values).apply(logits, history), SamplerChain(written).apply(logits, history))


def test_samplers_apply_in_the_order_that_is_set():
    values = DecodingSettings(temperature=2.0, top_p=0.5, sampler_order=("top_p", "temperature"))
    logits = distinct(50, 3) / 4
    expected = fast.temperature(fast.top_p(logits, 0.5), 2.0)
    assert np.array_equal(SamplerChain(values).apply(logits, History([], [])), expected)
    assert not np.array_equal(fast.top_p(fast.temperature(logits, 2.0), 0.5), expected)


@given(st.lists(st.sampled_from(NAMES), unique=True))
def test_samplers_that_are_not_named_keep_their_places(order):
    arranged = names_of(tuple(order))
    assert sorted(arranged) == sorted(NAMES)
    assert [name for name in arranged if name in order] == order
    assert [place for place, name in enumerate(NAMES) if name not in order] == [
        place for place, name in enumerate(arranged) if name not in order
    ]


def test_any_setting_of_a_sampler_names_it():
    assert names_of(("temperature", "frequency_penalty")) == names_of(("dynatemp_exponent", "presence_penalty"))


@pytest.mark.parametrize("flags", [["--sampler-order", "top-p, temperature"], ["--sampler-order=top_p,temperature"]])
def test_the_command_line_takes_names_between_commas(flags):
    parser = argparse.ArgumentParser()
    add_flags(parser, show_neutral=True)
    values = DecodingSettings.from_json(given_settings(parser.parse_args(flags)))
    assert values.sampler_order == ("top_p", "temperature")


def test_another_order_is_left_to_the_cpu():
    assert is_simple(DecodingSettings(temperature=0.5, top_p=0.9))
    assert not is_simple(DecodingSettings(temperature=0.5, top_p=0.9, sampler_order=("top_p", "temperature")))
