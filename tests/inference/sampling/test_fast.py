"""The fast cut-offs against their plain definitions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.inference.sampling import fast, plain
from tests.inference.sampling.logits import any_logits, distinct, probability, tied

CUT_OFFS = {
    "temperature": st.floats(0.01, 5),
    "top_k": st.integers(1, 6000),
    "top_p": probability | st.sampled_from([0.0, 1e-7, 1 - 1e-7]),
    "min_p": probability | st.sampled_from([0.0, 1.0]),
    "typical_p": probability | st.sampled_from([1e-7, 1 - 1e-7]),
}


@pytest.mark.parametrize("name", CUT_OFFS)
@given(logits=any_logits(), data=st.data())
@settings(max_examples=200)
def test_the_same_tokens_are_kept_with_the_same_bits(name: str, logits: torch.Tensor, data: st.DataObject) -> None:
    value = data.draw(CUT_OFFS[name])
    assert torch.equal(getattr(fast, name)(logits, value), getattr(plain, name)(logits, value))


@pytest.mark.parametrize("logits", [distinct(50257, 1), tied(50257, 2, 40)], ids=["distinct", "tied"])
@pytest.mark.parametrize(("name", "value"), [("top_k", 40), ("top_p", 0.9), ("min_p", 0.05), ("typical_p", 0.9)])
def test_the_same_of_the_whole_vocabulary(name: str, value: float, logits: torch.Tensor) -> None:
    assert torch.equal(getattr(fast, name)(logits, value), getattr(plain, name)(logits, value))
