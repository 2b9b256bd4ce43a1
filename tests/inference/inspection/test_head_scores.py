"""Scores on repeated random tokens find the heads of a model that was built by hand."""

from itertools import count

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.head_scores import head_scores
from tests.inference.inspection.models import induction_model, random_model


def test_the_induction_head_is_found_and_no_other() -> None:
    """(layer, head): previous token (0, 0), duplicate token (0, 1), induction (1, 1)."""
    found = head_scores(induction_model())
    assert found.previous[0, 0] > 0.99
    assert found.previous.flatten()[1:].max() < 0.2
    assert found.induction[1, 1] > 0.95
    assert found.induction.flatten()[:3].max() < 0.2
    assert found.duplicate[0, 1] > 0.45  # the other half falls on the token itself
    assert found.duplicate.flatten()[[0, 2, 3]].max() < 0.2


def test_the_model_built_by_hand_repeats_what_it_has_read() -> None:
    ids = [9, 3, 8, 1, 12, 5, 3]
    with torch.inference_mode():
        assert int(induction_model()(torch.tensor([ids]))[0, -1].argmax()) == 8


def test_scores_are_the_means_of_the_patterns() -> None:
    """Against `pattern[i, i - offset]`, one by one."""
    from gptdesk.inference.inspection.forward_pass import forward_pass

    model, n = random_model(), 6
    found = head_scores(model, texts=1, length=n, seed=2, special=(0, 1))
    usable = list(range(2, 97))
    drawn = [usable[i] for i in torch.randperm(len(usable), generator=torch.Generator().manual_seed(2))[:n].tolist()]
    run = forward_pass(model, drawn * 2)
    for layer in range(3):
        for head in range(3):
            rows = run.pattern(layer)[head]
            assert found.previous[layer, head] == pytest.approx(
                sum(float(rows[i, i - 1]) for i in range(1, 2 * n)) / (2 * n - 1), abs=1e-5
            )
            for scores, offset in ((found.duplicate, n), (found.induction, n - 1)):
                expected = sum(float(rows[i, i - offset]) for i in range(n, 2 * n)) / n
                assert scores[layer, head] == pytest.approx(expected, abs=1e-5)


def test_they_are_the_same_every_time_and_others_with_another_seed() -> None:
    model = random_model()
    assert torch.equal(head_scores(model).induction, head_scores(model).induction)
    assert not torch.equal(head_scores(model).induction, head_scores(model, seed=1).induction)


def test_a_context_without_room_for_a_repetition_is_refused() -> None:
    model = GPT2(GPT2Config(vocab_size=9, n_positions=3, n_embd=4, n_layer=1, n_head=1)).eval()
    with pytest.raises(UserError, match="too short to repeat"):
        head_scores(model)


def test_they_can_be_interrupted() -> None:
    asked = count()
    with pytest.raises(Interrupted):
        head_scores(random_model(), interrupted=lambda: next(asked) == 4)
    assert next(asked) == 5
