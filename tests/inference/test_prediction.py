"""Log-probabilities, entropy and most likely tokens, against torch in double precision."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.inference.prediction import Prediction

INF = float("inf")
VOCAB = 50257


@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0, 30.0])
@pytest.mark.parametrize("middle", [0.0, -100.0])
def test_logprobs_and_entropy_equal_torchs_in_double_precision(spread, middle):
    logits = middle + spread * torch.randn(VOCAB, generator=torch.Generator().manual_seed(1))
    prediction, expected = Prediction(logits.numpy()), logits.double().log_softmax(dim=0)
    entropy = torch.distributions.Categorical(logits=logits.double()).entropy()
    assert prediction.entropy == pytest.approx(float(entropy), abs=2e-5)
    for id in (0, 77, VOCAB - 1):
        assert prediction.logprob(id) == pytest.approx(float(expected[id]), abs=2e-5)


@given(st.lists(st.sampled_from([-INF, -3e38, -2.0, -0.0, 0.0, 0.5, 7.0]), min_size=1, max_size=40), st.integers(0, 50))
def test_the_likeliest_come_first_and_of_equals_the_lower_id(values, count):
    logits = torch.tensor([*values, 1.0])
    ids = Prediction(logits.numpy()).most_likely(count)
    assert ids == logits.sort(descending=True, stable=True).indices[:count].tolist()


def test_what_cannot_happen_adds_nothing_to_the_entropy():
    assert Prediction(torch.tensor([0.0, -INF, 0.0, -3e38]).numpy()).entropy == pytest.approx(math.log(2))
    assert Prediction(torch.tensor([3e38, -3e38]).numpy()).entropy == 0


@pytest.mark.parametrize("values", [[0.0, math.nan], [INF, 0.0], [-INF, -INF]])
def test_logits_that_are_not_numbers_are_reported(values):
    with pytest.raises(UserError, match="not numbers"):
        Prediction(torch.tensor(values).numpy())
