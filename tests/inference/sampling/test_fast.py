"""The fast cut-offs against their plain definitions."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.inference.sampling import fast
from tests.inference.sampling import plain
from tests.inference.sampling.logits import (
    Floats,
    any_logits,
    check_equal,
    check_min_p,
    check_top_p,
    check_typical_p,
    distinct,
    probability,
    tied,
)

CUT_OFFS = {
    "temperature": st.floats(0.01, 5),
    "top_k": st.integers(1, 6000),
    "top_p": probability | st.sampled_from([0.0, 1e-7, 1 - 1e-7]),
    "min_p": probability | st.sampled_from([0.0, 1.0]),
    "typical_p": probability | st.sampled_from([1e-7, 1 - 1e-7]),
}
CHECKS: dict[str, Any] = {"top_p": check_top_p, "min_p": check_min_p, "typical_p": check_typical_p}


def check(name: str, logits: Floats, value: float) -> None:
    ours = getattr(fast, name)(logits, value)
    theirs = getattr(plain, name)(torch.from_numpy(logits), value).numpy()
    if name in CHECKS:
        CHECKS[name](ours, theirs, logits, value)
    else:
        check_equal(ours, theirs)


@pytest.mark.parametrize("name", CUT_OFFS)
@given(logits=any_logits(), data=st.data())
@settings(max_examples=200)
def test_the_same_tokens_are_kept(name: str, logits: Floats, data: st.DataObject) -> None:
    check(name, logits, data.draw(CUT_OFFS[name]))


@pytest.mark.parametrize("logits", [distinct(50257, 1), tied(50257, 2, 40)], ids=["distinct", "tied"])
@pytest.mark.parametrize(("name", "value"), [("top_k", 40), ("top_p", 0.9), ("min_p", 0.05), ("typical_p", 0.9)])
def test_the_same_of_the_whole_vocabulary(name: str, value: float, logits: Floats) -> None:
    check(name, logits, value)
