"""Every variant of GPT-2 in every engine, against transformers."""

from pathlib import Path

import pytest
import torch

from gptdesk.gpt2.activations import ACTIVATIONS, Activation
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.context import Context
from gptdesk.inference.cpu.compiling import compile_step
from gptdesk.inference.cpu.in_numpy.cache import CPUCache
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.decoder import Decoder
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.in_torch.parity import expected_logits, parity_error
from gptdesk.inference.in_torch.quantized import QuantizedLinear
from gptdesk.inference.in_torch.shared_weights import model_of
from tests.gpt2_variants import VARIANTS, variant_folder, variant_ids, variant_logits

pytest.importorskip("numba")

from gptdesk.inference.cpu.activation_kernels import activate
from gptdesk.inference.cpu.decoder import CPUDecoder
from tests.inference.quantized_models import weights_of

every_variant = pytest.mark.parametrize("name", VARIANTS)
PRECISIONS = ("float32", "bfloat16", "int8", "int4")


def loaded(name: str, folder: Path) -> GPT2:
    return load_model(variant_folder(name, folder))


def decoded(decoder: Decoder, cache: KVCache | CPUCache) -> torch.Tensor:
    """Logits after each token, one at a time."""
    return torch.stack([torch.as_tensor(decoder.steps([(cache, [id])])[0][0]) for id in variant_ids()])


@every_variant
def test_prompts_are_read_as_transformers_reads_them(name: str, tmp_path: Path) -> None:
    """At once, and in pieces with what was read in the cache."""
    model, ids, expected = loaded(name, tmp_path), torch.tensor([variant_ids()]), variant_logits(name)
    cache = KVCache(model.config, dtype=torch.float32, device=torch.device("cpu"))
    with torch.inference_mode():
        torch.testing.assert_close(model(ids)[0], expected, atol=1e-4, rtol=0)
        pieces = torch.cat([model(piece, cache) for piece in ids.split([7, 1, 32], dim=1)], dim=1)
    torch.testing.assert_close(pieces[0], expected, atol=1e-4, rtol=0)
    for network in (TorchNetwork(model), CPUNetwork(weights_of(model, "float32"))):
        context = Context(network)
        context.read(variant_ids(), lambda: False)
        torch.testing.assert_close(torch.as_tensor(context.logits), expected[-1], atol=1e-4, rtol=0)


@every_variant
def test_the_compiled_decoder_equals_transformers(name: str, tmp_path: Path) -> None:
    weights = weights_of(loaded(name, tmp_path), "float32")
    decoder = CPUDecoder(weights, compile_step(), threads=2)
    found = decoded(decoder, CPUCache(weights.config))
    torch.testing.assert_close(found, variant_logits(name), atol=1e-4, rtol=0)


@every_variant
def test_the_step_of_the_device_decoder_equals_transformers(name: str, tmp_path: Path) -> None:
    model = loaded(name, tmp_path)
    decoder = DeviceDecoder(model, graphs=False)
    cache = KVCache(model.config, dtype=torch.float32, device=torch.device("cpu"))
    torch.testing.assert_close(decoded(decoder, cache), variant_logits(name), atol=1e-4, rtol=0)


@pytest.mark.parametrize("precision", PRECISIONS[1:])
@every_variant
def test_at_each_precision_the_compiled_decoder_equals_the_network(name: str, precision: str, tmp_path: Path) -> None:
    """The network computes in float32 with the weights that the rounded ones stand for."""
    weights = weights_of(loaded(name, tmp_path), precision)
    model = model_of(weights)
    same = dequantized(model)
    with torch.inference_mode():
        expected = same(torch.tensor([variant_ids()]))[0]
        if isinstance(model.h[0].mlp.c_fc, QuantizedLinear):
            torch.testing.assert_close(model(torch.tensor([variant_ids()]))[0], expected, atol=1e-4, rtol=1e-4)
    network, decoder = CPUNetwork(weights), CPUDecoder(weights, compile_step(), threads=2)
    torch.testing.assert_close(decoded(decoder, CPUCache(weights.config)), expected, atol=1e-3, rtol=1e-3)
    read = network.logits(network.read(variant_ids(), network.new_cache()), weights.config.vocab_size)
    torch.testing.assert_close(torch.from_numpy(read), expected, atol=1e-3, rtol=1e-3)


def dequantized(model: GPT2) -> GPT2:
    """A network in float32 that computes with the weights of ``model``."""
    same = GPT2(model.config).eval()
    weights = {name: tensor.float() for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    for name, module in model.named_modules():
        if isinstance(module, QuantizedLinear):
            weights[f"{name}.weight"] = module.dequantize(0, module.out_features)
    weights["wte.weight"] = weights["lm_head.weight"]
    same.load_state_dict({name: weights[name] for name in same.state_dict()})
    return same


@pytest.mark.parametrize("name", ["relu", "unscaled attention", "Mistral's, with upcast attention"])
def test_a_device_is_compared_with_the_model_that_it_computes(name: str, tmp_path: Path) -> None:
    model = loaded(name, tmp_path)
    assert parity_error(model, expected_logits(model)) < 1e-5


def test_upcast_attention_is_computed_in_float32() -> None:
    """bfloat16 queries and keys whose scores bfloat16 could not tell apart."""
    config = {"vocab_size": 5, "n_positions": 8, "n_embd": 4, "n_layer": 1, "n_head": 1}
    from gptdesk.gpt2.config import GPT2Config

    generator = torch.Generator().manual_seed(5)
    q, k, v = (torch.randn(1, 1, 8, 4, generator=generator).bfloat16() * 4 for _ in range(3))
    exact = GPT2(GPT2Config(**config)).eval().h[0].attn.attend(q.float(), k.float(), v.float(), causal=True)
    upcast = GPT2(GPT2Config(**config, reorder_and_upcast_attn=True)).eval().h[0].attn
    with torch.autocast("cpu", torch.bfloat16):
        found = upcast.attend(q, k, v, causal=True)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.names[0])
def test_every_activation_has_a_case_in_the_kernel(activation: Activation) -> None:
    """To 2e-6 of float64 from -30 to 30, and what is no number stays none."""
    x = torch.cat([torch.linspace(-30, 30, 4001), torch.tensor([0.0, -1e30, 1e30, float("inf"), float("nan")])])
    out = torch.full_like(x, 7.0)
    activate(int(activation.case), x.numpy(), out.numpy())
    exact = activation.function()(x.double())
    torch.testing.assert_close(out[:-1].double(), exact[:-1], atol=2e-6, rtol=2e-6)
    assert out[-1].isnan()


def test_no_two_activations_share_a_name_or_a_case() -> None:
    names = [name for activation in ACTIVATIONS for name in activation.names]
    assert len(set(names)) == len(names)
    assert len({activation.case for activation in ACTIVATIONS}) == len(ACTIVATIONS)
