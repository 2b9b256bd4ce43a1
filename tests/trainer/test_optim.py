import math

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from trainer.config.schema import OptimSection
from trainer.optim import Optimizers, clip_gradients
from trainer.optimizers.muon import Muon

OFF = torch.amp.GradScaler("cpu", enabled=False)


def tiny_model() -> GPT2:
    model = GPT2(GPT2Config(vocab_size=32, n_positions=8, n_embd=16, n_layer=2, n_head=2))
    model.init_weights(torch.Generator().manual_seed(0))
    return model


def names_of(model: GPT2, weights: list[torch.Tensor]) -> set[str]:
    names = {id(weight): name for name, weight in model.named_parameters()}
    return {names[id(weight)] for weight in weights}


def test_weight_decay_falls_on_matrices_and_embeddings_only() -> None:
    model = tiny_model()
    (adamw,) = Optimizers(model, OptimSection(weight_decay=0.1)).members.values()
    decayed = names_of(model, [w for g in adamw.param_groups if g["weight_decay"] for w in g["params"]])
    spared = names_of(model, [w for g in adamw.param_groups if not g["weight_decay"] for w in g["params"]])
    assert {"wte.weight", "wpe.weight", "h.0.attn.c_attn.weight", "h.1.mlp.c_proj.weight"} <= decayed
    assert {"ln_f.weight", "h.0.ln_1.bias", "h.0.attn.c_attn.bias"} <= spared
    assert decayed | spared == set(dict(model.named_parameters()))
    assert all(name.endswith("bias") or "ln_" in name for name in spared)


def test_muon_takes_the_matrices_of_the_blocks_and_adamw_the_rest() -> None:
    model = tiny_model()
    adamw, muon = Optimizers(model, OptimSection(optimizer="muon")).members.values()
    taken = names_of(model, [w for g in muon.param_groups for w in g["params"]])
    assert taken == {n for n, w in model.named_parameters() if n.startswith("h.") and w.ndim == 2}
    assert not taken & names_of(model, [w for g in adamw.param_groups for w in g["params"]])


def test_adamw_equals_the_formula() -> None:
    """Loshchilov & Hutter 2019, algorithm 2, written out."""
    model = tiny_model()
    config = OptimSection(learning_rate=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.3)
    optimizers, weight = Optimizers(model, config), model.wpe.weight
    expected, m, v = weight.detach().clone(), torch.zeros_like(weight), torch.zeros_like(weight)
    for t in range(1, 6):
        optimizers.zero_grad()
        gradient = torch.randn(weight.shape, generator=torch.Generator().manual_seed(t))
        weight.grad = gradient.clone()
        optimizers.set_learning_rate(0.5)
        optimizers.step(OFF)
        m, v = 0.8 * m + 0.2 * gradient, 0.9 * v + 0.1 * gradient**2
        expected = expected - 0.005 * 0.3 * expected
        expected = expected - 0.005 * (m / (1 - 0.8**t)) / ((v / (1 - 0.9**t)).sqrt() + 1e-6)
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-5, atol=1e-7)


def test_a_muon_update_is_nearly_orthogonal() -> None:
    model = tiny_model()
    optimizers = Optimizers(model, OptimSection(optimizer="muon", muon_weight_decay=0.0))
    weight = model.h[0].attn.c_proj.weight
    before = weight.detach().clone()
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3))
    optimizers.step(OFF)
    singular = torch.linalg.svdvals(before - weight.detach())
    assert singular.max() / singular.min() < 4


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (16, 16)])
def test_muon_in_float32_is_torchs_but_for_its_bfloat16(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(5)
    ours = torch.nn.Parameter(torch.randn(shape, generator=generator))
    theirs = torch.nn.Parameter(ours.detach().clone())
    settings = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    pair = Muon([ours], **settings), torch.optim.Muon([theirs], **settings)
    for _ in range(3):
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        for optimizer in pair:
            optimizer.step()
    torch.testing.assert_close(ours, theirs, rtol=0.0, atol=3 * 0.02 * 0.02)
    assert torch.equal(pair[0].state[ours]["momentum_buffer"], pair[1].state[theirs]["momentum_buffer"])


SHAPES = [(8, 24), (24, 8), (8, 24), (16, 16), (24, 8), (8, 24)]
MUON = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}


def some_weights() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(5)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def set_gradients(weights: list[torch.nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=generator)


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("flag", [None, torch.zeros(())])
def test_muon_of_all_matrices_of_a_shape_is_torchs(nesterov: bool, flag: torch.Tensor | None) -> None:
    """As on CUDA, where they are multiplied together."""
    ours, theirs = some_weights(), some_weights()
    pair = Muon(ours, nesterov=nesterov, **MUON), torch.optim.Muon(theirs, nesterov=nesterov, **MUON)
    pair[0].stacks, pair[0].found_inf = True, flag
    for seed in range(3):
        for weights, optimizer in zip((ours, theirs), pair, strict=True):
            set_gradients(weights, seed)
            optimizer.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=0.0, atol=3 * 0.02 * 0.02)
        assert torch.equal(pair[0].state[mine]["momentum_buffer"], pair[1].state[other]["momentum_buffer"])


def test_muon_changes_nothing_where_the_device_says_so() -> None:
    weights = some_weights()
    muon = Muon(weights, **MUON)
    muon.stacks = True
    set_gradients(weights, 1)
    muon.step()
    before = [(weight.detach().clone(), muon.state[weight]["momentum_buffer"].clone()) for weight in weights]
    muon.found_inf = torch.ones(())
    set_gradients(weights, 2)
    for bad, weight in zip((math.nan, math.inf, -math.inf), weights, strict=False):
        assert weight.grad is not None
        weight.grad[0, 0] = bad
    muon.step()
    for weight, (then, buffer) in zip(weights, before, strict=True):
        assert torch.equal(weight, then)
        assert torch.equal(muon.state[weight]["momentum_buffer"], buffer)


def test_state_goes_through_tensors_unchanged() -> None:
    config = OptimSection(optimizer="muon")
    model, twin = tiny_model(), tiny_model()
    ours, theirs = Optimizers(model, config), Optimizers(twin, config)
    for step in range(4):
        if step == 2:
            twin.load_state_dict(model.state_dict())
            theirs.load_state_tensors({name: value.clone() for name, value in ours.state_tensors().items()})
        for network, optimizers in ((model, ours), (twin, theirs)):
            torch.manual_seed(step)
            for weight in network.parameters():
                weight.grad = torch.randn_like(weight)
            optimizers.step(OFF)
    for name, weight in model.named_parameters():
        assert torch.equal(weight, dict(twin.named_parameters())[name]), name


def test_the_state_of_another_optimizer_is_refused() -> None:
    model = tiny_model()
    adamw = Optimizers(model, OptimSection())
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    adamw.step(OFF)
    with pytest.raises(
        UserError, match=r"does not fit the configuration: h\.0\.attn\.c_attn\.weight\.exp_avg has no place"
    ):
        Optimizers(model, OptimSection(optimizer="muon")).load_state_tensors(adamw.state_tensors())


@pytest.mark.parametrize("limit", [0.5, 0.0])
def test_clipping_scales_the_whole_gradient_and_tells_its_norm(limit: float) -> None:
    model = tiny_model()
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    norm = sum(weight.numel() for weight in model.parameters()) ** 0.5
    assert clip_gradients(model, limit).item() == pytest.approx(norm, rel=1e-5)
    after = torch.cat([w.grad.flatten() for w in model.parameters() if w.grad is not None]).norm().item()
    assert after == pytest.approx(limit or norm, rel=1e-3)
