"""One pass for all views: precisions, padded vocabularies, texts that cannot be read, and how it is interrupted."""

from itertools import count

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.inspection.attribution import attribution
from gptdesk.inference.inspection.forward_pass import forward_pass
from gptdesk.inference.inspection.lens import lens
from tests.gpt2_variants import variant_ids
from tests.inference.inspection.models import random_model

IDS = variant_ids()


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_a_quantised_model_is_the_network_with_the_weights_that_it_stands_for(precision: str) -> None:
    from tests.inference.quantized_models import quantize_model
    from tests.inference.test_variants import dequantized

    model = quantize_model(random_model(), precision)
    found, expected = forward_pass(model, IDS), forward_pass(dequantized(model), IDS)
    torch.testing.assert_close(found.residual, expected.residual, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(lens(found).kl, lens(expected).kl, atol=1e-4, rtol=1e-4)
    shares = attribution(found, 7, 3).shares
    torch.testing.assert_close(shares, attribution(expected, 7, 3).shares, atol=1e-4, rtol=1e-4)


def test_a_model_in_16_bits_is_computed_in_float32() -> None:
    model = random_model().bfloat16()
    found = forward_pass(model, IDS)
    expected = forward_pass(random_model().bfloat16().float(), IDS)
    assert found.residual.dtype == torch.float32
    torch.testing.assert_close(found.residual, expected.residual)
    torch.testing.assert_close(lens(found).entropy, lens(expected).entropy)


def test_rows_that_pad_the_vocabulary_do_not_count() -> None:
    ids = [id % 50 for id in IDS]
    padded = forward_pass(random_model(), ids, vocab_size=50)
    found = lens(padded, 0, 5)
    logits = random_model()(torch.tensor([ids[:5]])).detach()[0, :, :50]
    torch.testing.assert_close(found.top_probabilities[-1, :, 0], logits.softmax(-1).max(-1).values)
    assert int(found.top_ids.max()) < 50


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "no text"),
        ([1] * 41, "41 tokens, more than .* 40"),
        ([3, 97], "token 97, but the model knows only 0 to 96"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(ids: list[int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        forward_pass(random_model(), ids)


def test_it_ends_before_the_next_block() -> None:
    asked = count()
    with pytest.raises(Interrupted):
        forward_pass(random_model(), IDS, interrupted=lambda: next(asked) == 1)
    assert next(asked) == 2


def test_the_lens_ends_before_the_next_layers() -> None:
    asked = count()
    with pytest.raises(Interrupted):
        lens(forward_pass(random_model(n_layer=8), IDS), interrupted=lambda: next(asked) == 1)
    assert next(asked) == 2
