"""Decoding settings: their limits, and reading and writing them as JSON."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.inference.sampling.reference import reference_page
from gptdesk.inference.sampling.registry import SAMPLERS
from gptdesk.inference.sampling.setting_checks import BIAS_LIMIT, MAX_STOP_LENGTH, MAX_STOP_STRINGS
from gptdesk.inference.sampling.settings import LIMITS, PRESETS, SETTINGS, DecodingSettings


def _values(name: str) -> st.SearchStrategy[float]:
    limit = LIMITS[name]
    if limit.whole:
        return st.integers(int(limit.lowest), int(limit.highest))
    return st.floats(limit.lowest, limit.highest)


any_settings = st.fixed_dictionaries(
    {},
    optional={
        **{name: _values(name) for name in LIMITS},
        "logit_bias": st.dictionaries(
            st.integers(0, 50256), st.floats(BIAS_LIMIT.lowest, BIAS_LIMIT.highest), max_size=5
        ),
        "logit_bias_tokenizer": st.sampled_from(["", "0123456789abcdef" * 4]),
        "stop": st.lists(st.text(min_size=1, max_size=20), max_size=MAX_STOP_STRINGS).map(tuple),
        "dry_breakers": st.lists(st.text(min_size=1, max_size=20), max_size=5).map(tuple),
        "sampler_order": st.permutations([sampler.settings[0] for sampler in SAMPLERS]).map(tuple),
    },
).map(lambda values: DecodingSettings(**values))


def test_the_defaults_change_nothing():
    assert DecodingSettings().to_json() == {}
    assert DecodingSettings.from_json({}) == DecodingSettings()


@given(any_settings)
def test_settings_survive_json(values):
    assert DecodingSettings.from_json(json.loads(json.dumps(values.to_json()))) == values


@pytest.mark.parametrize("name", LIMITS)
def test_both_ends_of_a_range_are_allowed(name):
    for value in (LIMITS[name].lowest, LIMITS[name].highest):
        assert getattr(DecodingSettings(**{name: value}), name) == value


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", 10**400, -(10**400), [], 1j])
def test_a_value_out_of_range_or_of_the_wrong_type_names_the_setting(name, value):
    with pytest.raises(UserError, match=rf"^{name} must be a (whole )?number from .* not "):
        DecodingSettings(**{name: value})


@pytest.mark.parametrize("name", LIMITS)
def test_a_step_beyond_a_limit_names_the_limits_and_the_value(name):
    low, high, _ = LIMITS[name]
    for value in (low - 1, high + 1):
        with pytest.raises(UserError) as error:
            DecodingSettings(**{name: value})
        assert all(f"{limit:g}" in str(error.value) or str(int(limit)) in str(error.value) for limit in (low, high))
        assert repr(value) in str(error.value)


@pytest.mark.parametrize("name", [name for name, limit in LIMITS.items() if limit.whole])
def test_whole_numbers_have_no_fraction(name):
    with pytest.raises(UserError, match="whole number"):
        DecodingSettings(**{name: 1.0})


@pytest.mark.parametrize("name", [name for name in LIMITS if name != "seed"])
def test_only_the_seed_may_be_none(name):
    assert DecodingSettings(seed=None).seed is None
    with pytest.raises(UserError, match=name):
        DecodingSettings(**{name: None})


@pytest.mark.parametrize(
    "stop",
    ["end", b"end", ("",), ("a", ""), (1,), None, ("a",) * (MAX_STOP_STRINGS + 1), ("a" * (MAX_STOP_LENGTH + 1),)],
)
def test_stop_strings_that_cannot_be_used_are_refused(stop):
    with pytest.raises(UserError, match="stop"):
        DecodingSettings(stop=stop)


@pytest.mark.parametrize(
    "bias",
    [
        None,
        [1],
        {-1: 0.0},
        {"a": 0.0},
        {True: 0.0},
        {0.0: 0.0},
        {1: math.nan},
        {1: 101},
        {1: -101},
        {1: None},
        {1: True},
    ],
)
def test_a_bias_that_cannot_be_used_is_refused(bias):
    with pytest.raises(UserError, match="logit_bias"):
        DecodingSettings(logit_bias=bias)


@pytest.mark.parametrize(
    "order", [None, "top_p", ("top-p",), ("max_tokens",), ("sampler_order",), (1,), ("top_p", "top_k", "top_p")]
)
def test_an_order_of_samplers_that_cannot_be_used_is_refused(order):
    with pytest.raises(UserError, match="sampler_order"):
        DecodingSettings(sampler_order=order)


@pytest.mark.parametrize("breakers", [None, "x", ("",), (1,), ("a" * 21,), ("a",) * 65])
def test_breakers_that_cannot_be_used_are_refused(breakers):
    with pytest.raises(UserError, match="breaker"):
        DecodingSettings(dry_breakers=breakers)


@pytest.mark.parametrize(
    "values",
    [{"temprature": 1.0}, {"top_k": "40"}, {"logit_bias": {"x": 1}}, {"logit_bias": {"-1": 1}}, {"stop": "x"}, []],
)
def test_broken_json_is_refused(values):
    with pytest.raises(UserError):
        DecodingSettings.from_json(values)


def test_settings_are_frozen_with_all_that_they_hold():
    bias = {1: 2.0}
    settings = DecodingSettings(logit_bias=bias, stop=["a"])
    bias[1] = 3.0
    assert settings.logit_bias == {1: 2.0}
    assert settings.stop == ("a",)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.top_k = 1
    with pytest.raises(TypeError):
        settings.logit_bias[1] = 3.0
    assert hash(settings) == hash(dataclasses.replace(settings))


def test_whole_numbers_are_taken_for_real_ones():
    settings = DecodingSettings(temperature=0, logit_bias={1: -100})
    assert isinstance(settings.temperature, float)
    assert isinstance(settings.logit_bias[1], float)


def test_presets_go_from_greedy_to_creative():
    assert list(PRESETS) == ["Greedy", "Focused", "Balanced", "Creative"]
    temperatures = [preset.temperature for preset in PRESETS.values()]
    assert temperatures == sorted(temperatures)
    assert [name for name, preset in PRESETS.items() if preset.greedy] == ["Greedy"]


def test_each_setting_of_a_preset_belongs_to_one_sampler():
    owned = [name for sampler in SAMPLERS for name in (*sampler.settings, *sampler.tuned_by)]
    assert sorted(owned) == sorted(
        name for name, setting in SETTINGS.items() if setting.in_preset and name != "sampler_order"
    )


def test_settings_and_events_need_neither_torch_nor_qt():
    imports = "import sys, gptdesk.inference.sampling.settings, gptdesk.inference.events"
    check = "assert not {'torch', 'numpy', 'PySide6'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{imports}; {check}"], check=True)


def test_the_reference_page_is_up_to_date():
    page = Path(__file__).parents[3] / "docs" / "DECODING.md"
    command = "python -m gptdesk.inference.sampling.reference > docs/DECODING.md"
    assert page.read_text(encoding="utf-8") == reference_page(), command


def test_every_setting_says_all_that_its_lists_need():
    for name, setting in SETTINGS.items():
        assert setting.name == name
        assert setting.title
        assert setting.help.endswith((".", ")"))
        assert sum(map(bool, (setting.limit, setting.check, setting.choices))) == 1
        assert not setting.choices or setting.neutral == setting.choices[0]
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(DecodingSettings)]


def test_a_bias_belongs_to_one_vocabulary_and_is_removed_with_its_last_token() -> None:
    one, other = "a" * 64, "b" * 64
    settings = DecodingSettings(logit_bias={1: 2.0})  # of whatever model is in use
    assert (settings.bias_of(one, 1), settings.bias_of(other, 1)) == (2.0, 2.0)
    settings = settings.with_bias(one, 5, -100.0)
    assert (settings.logit_bias, settings.logit_bias_tokenizer) == ({1: 2.0, 5: -100.0}, one)
    assert (settings.bias_of(one, 5), settings.bias_of(other, 5)) == (-100.0, 0.0)
    assert settings.with_bias(other, 7, 1.0).logit_bias == {7: 1.0}
    assert settings.with_bias(one, 1, 0.0).with_bias(one, 5, 0.0) == DecodingSettings()


@pytest.mark.parametrize("value", ["x", "A" * 64, "0" * 63, None, 5])
def test_a_tokenizer_of_logit_bias_that_is_no_sha256_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="logit_bias_tokenizer must be 64 hexadecimal digits"):
        DecodingSettings(logit_bias_tokenizer=value)
