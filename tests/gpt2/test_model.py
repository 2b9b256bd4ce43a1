"""The network against transformers', and reading in pieces against reading at once."""

import pytest
import torch
import transformers

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2

CONFIG = GPT2Config(vocab_size=97, n_positions=48, n_embd=32, n_layer=3, n_head=4)


@pytest.fixture(scope="module", params=[True, False], ids=["bias", "no bias"])
def model(request: pytest.FixtureRequest) -> GPT2:
    torch.manual_seed(1)
    model = GPT2(GPT2Config(**(vars(CONFIG) | {"bias": request.param})))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return model.eval()


@pytest.fixture(scope="module")
def ids() -> torch.Tensor:
    return torch.randint(0, CONFIG.vocab_size, (2, CONFIG.n_positions), generator=torch.Generator().manual_seed(2))


def new_cache(batch_size: int = 2) -> KVCache:
    return KVCache(CONFIG, batch_size=batch_size, dtype=torch.float32, device=torch.device("cpu"))


@pytest.mark.parametrize(
    "pieces",
    [[48], [1] * 48, [16, 16, 16], [5, 1, 7, 1, 1, 30, 3], [47, 1], [1, 47]],
    ids=lambda pieces: "+".join(map(str, pieces[:7])),
)
@torch.inference_mode()
def test_reading_with_a_cache_equals_reading_at_once(model: GPT2, ids: torch.Tensor, pieces: list[int]) -> None:
    cache = new_cache()
    logits = torch.cat([model(part, cache) for part in ids.split(pieces, dim=1)], dim=1)
    torch.testing.assert_close(logits, model(ids), atol=1e-4, rtol=0)
    assert cache.length == sum(pieces) == cache.capacity


@torch.inference_mode()
def test_a_truncated_cache_forgets_what_came_after(model: GPT2, ids: torch.Tensor) -> None:
    cache = new_cache()
    model(torch.cat([ids[:, :20], ids[:, 30:]], dim=1), cache)
    cache.truncate(20)
    logits = model(ids[:, 20:], cache)
    torch.testing.assert_close(logits, model(ids)[:, 20:], atol=1e-4, rtol=0)


@torch.inference_mode()
def test_a_copied_cache_goes_its_own_way(model: GPT2, ids: torch.Tensor) -> None:
    first = new_cache()
    model(ids[:, :20], first)
    second = first.copy()
    model(ids[:, 30:40], second)
    torch.testing.assert_close(model(ids[:, 20:], first), model(ids)[:, 20:], atol=1e-4, rtol=0)


@torch.inference_mode()
def test_next_token_logits_are_the_last_rows(model: GPT2, ids: torch.Tensor) -> None:
    torch.testing.assert_close(model.next_token_logits(ids), model(ids)[:, -1])


@torch.inference_mode()
def test_a_token_sees_nothing_that_follows(model: GPT2, ids: torch.Tensor) -> None:
    changed = ids.clone()
    changed[:, 30:] = 0
    torch.testing.assert_close(model(changed)[:, :30], model(ids)[:, :30])


def test_loss_is_transformers(ids: torch.Tensor) -> None:
    reference = transformers.GPT2LMHeadModel(transformers.GPT2Config(**hub_names(CONFIG), **no_dropout())).eval()
    model = GPT2(CONFIG).eval()
    state = {name.removeprefix("transformer."): tensor for name, tensor in reference.state_dict().items()}
    conv1d = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    model.load_state_dict({name: tensor.t() if name.endswith(conv1d) else tensor for name, tensor in state.items()})
    targets = ids[:, 1:].clone()
    targets[0, :10] = -100
    expected = reference(ids, labels=torch.cat([ids[:, :1], targets], dim=1)).loss
    torch.testing.assert_close(model.loss(ids[:, :-1], targets), expected)


def test_gradients_do_not_depend_on_activation_checkpointing(ids: torch.Tensor) -> None:
    gradients = []
    for activation_checkpointing in (False, True):
        model = GPT2(CONFIG, activation_checkpointing=activation_checkpointing)
        model.init_weights(torch.Generator().manual_seed(3))
        model.train().loss(ids[:, :-1], ids[:, 1:]).backward()
        gradients.append([weight.grad for weight in model.parameters()])
    torch.testing.assert_close(*gradients)


def test_fresh_weights_are_those_of_the_paper() -> None:
    config = GPT2Config(vocab_size=5000, n_positions=64, n_embd=64, n_layer=8, n_head=2)
    model = GPT2(config)
    model.init_weights(torch.Generator().manual_seed(4))
    assert model.wte.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert model.h[3].mlp.c_fc.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.h[3].mlp.c_proj.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert model.h[3].attn.c_attn.bias.abs().sum() == 0
    assert bool((model.h[3].ln_1.weight == 1).all())


def test_fresh_loss_is_that_of_a_guess() -> None:
    """ln V plus half the variance of the logits, width * 0.02^2 / 2."""
    config = GPT2Config(vocab_size=5000, n_positions=64, n_embd=64, n_layer=2, n_head=2)
    model = GPT2(config).eval()
    model.init_weights(torch.Generator().manual_seed(5))
    ids = torch.randint(0, 5000, (8, 65), generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        loss = model.loss(ids[:, :-1], ids[:, 1:]).item()
    assert loss == pytest.approx(8.517 + 64 * 0.02**2 / 2, abs=0.06)


def test_same_generator_same_weights() -> None:
    first, second = GPT2(CONFIG), GPT2(CONFIG)
    first.init_weights(torch.Generator().manual_seed(7))
    second.init_weights(torch.Generator().manual_seed(7))
    torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)


def test_dropout_only_while_training(ids: torch.Tensor) -> None:
    model = GPT2(CONFIG, dropout=0.5)
    model.init_weights()
    assert not torch.equal(model.train()(ids), model(ids))
    assert torch.equal(model.eval()(ids), model(ids))


def hub_names(config: GPT2Config) -> dict[str, int]:
    return {name: getattr(config, name) for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")}


def no_dropout() -> dict[str, float | None]:
    return {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "bos_token_id": None, "eos_token_id": None}
