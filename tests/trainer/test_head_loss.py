"""The last layer's loss in parts against the plain one."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer import head_loss as module
from trainer.data import IGNORED
from trainer.head_loss import head_loss

V, C = 37, 16


def plain_loss(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    logits = F.linear(hidden, weight).float()
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum", ignore_index=IGNORED)


@pytest.fixture
def inputs(monkeypatch: pytest.MonkeyPatch) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states, weights and targets of which some do not count, in three parts of which the last is shorter."""
    monkeypatch.setattr(module, "_ROWS", 8)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 11, C, generator=generator)
    weight = torch.randn(V, C, generator=generator)
    targets = torch.randint(0, V, (2, 11), generator=generator)
    targets[0, :3] = targets[1, -1] = IGNORED
    return hidden, weight, targets


def gradients(loss: Tensor, *leaves: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss * 0.3, leaves)


def test_loss_and_gradients_are_those_of_the_plain_cross_entropy(inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = inputs
    hidden.requires_grad_()
    weight.requires_grad_()
    found, expected = head_loss(hidden, weight, targets), plain_loss(hidden, weight, targets)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients(found, hidden, weight), gradients(expected, hidden, weight))


def test_in_bfloat16_it_is_as_near_to_the_exact_gradients_as_the_plain_one(
    inputs: tuple[Tensor, Tensor, Tensor],
) -> None:
    hidden, weight, targets = inputs
    leaves = hidden.requires_grad_(), weight.requires_grad_()
    exact = gradients(plain_loss(hidden, weight, targets), *leaves)
    with torch.autocast("cpu", torch.bfloat16):
        ours, plain = head_loss(hidden, weight, targets), plain_loss(hidden, weight, targets)
    for a, b, true in zip(gradients(ours, *leaves), gradients(plain, *leaves), exact, strict=True):
        assert a.dtype == torch.float32
        assert (a - true).norm() < 1.5 * (b - true).norm()


def test_large_logits_do_not_overflow(inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = inputs
    hidden = (hidden * 1e4).requires_grad_()
    found, expected = head_loss(hidden, weight, targets), plain_loss(hidden, weight, targets)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients(found, hidden), gradients(expected, hidden))


def test_frozen_weights_get_no_gradient(inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = inputs
    head_loss(hidden.requires_grad_(), weight, targets).backward()
    assert hidden.grad is not None
    assert weight.grad is None


def test_a_batch_with_nothing_to_learn_has_no_loss_and_no_gradient(inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden, weight, targets = inputs
    loss = head_loss(hidden.requires_grad_(), weight.requires_grad_(), torch.full_like(targets, IGNORED))
    assert loss.item() == 0
    assert not any(gradient.any() for gradient in gradients(loss, hidden, weight))
