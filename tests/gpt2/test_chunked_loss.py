"""Last layer and cross-entropy in chunks, against both one after the other."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gptdesk.gpt2.chunked_loss import chunked_cross_entropy, pays_in_chunks
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2

IGNORED = -100


def case(rows: int = 23, columns: int = 57, width: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the last layer reads, its weight, and targets of which some do not count."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, width, generator=generator, requires_grad=True)
    weight = torch.randn(columns, width, generator=generator, requires_grad=True)
    targets = torch.randint(0, columns, (rows,), generator=generator)
    targets[::5] = IGNORED
    return x, weight, targets


def plain(x: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(F.linear(x, weight).float(), targets, reduction="sum")


@pytest.mark.parametrize("rows", [1, 7, 23, 100])
def test_loss_and_gradients_are_those_of_the_whole(rows: int) -> None:
    x, weight, targets = case()
    expected = plain(x, weight, targets)
    gradients = torch.autograd.grad(expected * 0.3, (x, weight))
    loss = chunked_cross_entropy(x, weight, targets, rows=rows)
    torch.testing.assert_close(loss, expected)
    for mine, theirs in zip(torch.autograd.grad(loss * 0.3, (x, weight)), gradients, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_nothing_is_learnt_where_no_target_counts() -> None:
    x, weight, targets = case()
    loss = chunked_cross_entropy(x, weight, torch.full_like(targets, IGNORED), rows=7)
    assert loss.item() == 0
    assert all(not gradient.any() for gradient in torch.autograd.grad(loss, (x, weight)))


def test_under_autocast_it_rounds_as_much_as_the_whole_does() -> None:
    x, weight, targets = case(rows=64, columns=300, width=32)
    exact = torch.autograd.grad(plain(x, weight, targets), (x, weight))
    errors = []
    for loss_of in (plain, lambda *inputs: chunked_cross_entropy(*inputs, rows=16)):
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(x, weight, targets)
        assert loss.dtype == torch.float32
        gradients = torch.autograd.grad(loss, (x, weight))
        errors.append([(mine - theirs).norm().item() for mine, theirs in zip(gradients, exact, strict=True)])
    for whole, chunked in zip(*errors, strict=True):
        assert chunked < 1.2 * whole


def test_a_frozen_head_gets_no_gradient() -> None:
    x, weight, targets = case()
    (expected,) = torch.autograd.grad(plain(x, weight.detach(), targets), x)
    chunked_cross_entropy(x, weight.detach(), targets, rows=7).backward()
    torch.testing.assert_close(x.grad, expected)


def test_an_evaluation_is_the_same_in_chunks() -> None:
    x, weight, targets = case()
    with torch.no_grad():
        torch.testing.assert_close(chunked_cross_entropy(x, weight, targets, rows=7), plain(x, weight, targets))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own doing
def test_the_compiler_sees_one_graph() -> None:
    x, weight, targets = case()
    compiled = torch.compile(chunked_cross_entropy, backend="aot_eager", fullgraph=True)
    with torch.autocast("cpu", torch.bfloat16):
        expected = chunked_cross_entropy(x, weight, targets, rows=7)
        loss = compiled(x, weight, targets, rows=7)
    torch.testing.assert_close(loss, expected)
    for mine, theirs in zip(
        torch.autograd.grad(loss, (x, weight)), torch.autograd.grad(expected, (x, weight)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_model_learns_the_same_from_it(reduction: str) -> None:
    model = GPT2(GPT2Config(vocab_size=61, n_positions=8, n_embd=16, n_layer=2, n_head=2))
    model.init_weights(torch.Generator().manual_seed(0))
    ids = torch.randint(0, 61, (3, 8), generator=torch.Generator().manual_seed(1))
    targets = ids.roll(-1, dims=1)
    targets[0, :4] = IGNORED
    found = []
    for chunked in (False, True):
        model.chunked_loss = chunked
        model.zero_grad()
        loss = model.loss(ids, targets, reduction=reduction)
        loss.backward()
        found.append((loss, [weight.grad for weight in model.parameters()]))
    torch.testing.assert_close(found[1], found[0])


def test_a_cpu_takes_the_whole() -> None:
    with torch.device("meta"):
        x, head = torch.empty(64, 1024, 768), nn.Linear(768, 50304, bias=False)
    assert not pays_in_chunks(x, head.weight)


@pytest.mark.cuda
def test_a_card_learns_the_same_from_it_compiled() -> None:
    x, weight, targets = (tensor.detach().cuda() for tensor in case(rows=3000, columns=1000, width=64))
    x.requires_grad_(), weight.requires_grad_()
    exact = torch.autograd.grad(plain(x, weight, targets), (x, weight))
    compiled = torch.compile(chunked_cross_entropy)
    with torch.autocast("cuda", torch.bfloat16):
        loss = compiled(x, weight, targets, rows=1000)
    for mine, theirs in zip(torch.autograd.grad(loss, (x, weight)), exact, strict=True):
        assert (mine - theirs).norm() < 0.02 * theirs.norm()


@pytest.mark.cuda
def test_a_card_takes_it_where_all_logits_would_take_much_memory() -> None:
    head = torch.empty(50304, 768, device="cuda")
    assert pays_in_chunks(torch.empty(16, 1024, 768, device="cuda"), head)
    assert not pays_in_chunks(torch.empty(1, 1024, 768, device="cuda"), head)
    with torch.autocast("cuda", torch.float16):
        assert not pays_in_chunks(torch.empty(16, 1024, 768, device="cuda"), head)
