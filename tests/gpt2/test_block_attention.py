"""Causal attention by blocks of queries: values and gradients are those of PyTorch's attention."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gptdesk.gpt2.block_attention import causal_attention_in_blocks, pays_in_blocks


def inputs(T: int, dtype: torch.dtype, requires_grad: bool = True) -> list[Tensor]:
    generator = torch.Generator().manual_seed(T)
    return [torch.randn(2, 3, T, 8, generator=generator).to(dtype).requires_grad_(requires_grad) for _ in range(3)]


@pytest.mark.parametrize("T", [1, 2, 127, 128, 129, 300])
def test_values_and_gradients_are_those_of_fused_attention(T: int) -> None:
    q, k, v = inputs(T, torch.float32)
    gradient = torch.randn(2, 3, T, 8, generator=torch.Generator().manual_seed(1))
    found = causal_attention_in_blocks(q, k, v, 0.3)
    found_gradients = torch.autograd.grad(found, (q, k, v), gradient)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3)
    expected_gradients = torch.autograd.grad(expected, (q, k, v), gradient)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found_gradients, expected_gradients, atol=1e-5, rtol=1e-4)


def test_in_bfloat16_the_error_is_that_of_the_type() -> None:
    q, k, v = inputs(300, torch.bfloat16)
    exact = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True, scale=0.3)
    found = causal_attention_in_blocks(q, k, v, 0.3)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), exact, atol=2e-2, rtol=2e-2)


def test_it_serves_a_compiled_training_step_in_bfloat16_alone() -> None:
    compiled = torch.compile(pays_in_blocks, backend="eager", dynamic=False)
    q, k, _ = inputs(20, torch.bfloat16)
    assert compiled(q, k)
    assert not pays_in_blocks(q, k)
    assert not compiled(*inputs(20, torch.bfloat16, requires_grad=False)[:2])
    assert not compiled(*inputs(20, torch.float32)[:2])
    assert not compiled(q[:, :, :4].detach().requires_grad_(), k)  # behind a cache
    many = torch.empty(64, 12, 1024, 64, dtype=torch.bfloat16).requires_grad_()
    assert not compiled(many, many)
