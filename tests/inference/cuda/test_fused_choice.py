"""The Triton kernels that choose a token, against torch's choice: interpreted where there is no card, else on it."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.inference.cuda import sampling
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.cuda.fused_choice import FusedChoice
from gptdesk.inference.cuda.fused_step import FusedStep
from gptdesk.inference.cuda.sampling import packed_choice
from gptdesk.inference.engine import TokenEvent
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from tests.inference.cuda.kernel_runs import engine_on_card, interpret
from tests.random_models import random_model

SETTINGS = [
    *PRESETS.values(),
    DecodingSettings(temperature=0, top_logprobs=10),
    DecodingSettings(temperature=0.8, top_k=40, top_p=0.95, top_logprobs=10),
    *(
        DecodingSettings(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, top_logprobs=3)
        for temperature, top_k, top_p, min_p in itertools.product(
            (0.3, 2.5), (1, 7, 200), (0.0, 0.3, 1.0), (0.0, 0.05, 1.0)
        )
    ),
]


def random_logits(size: int, seed: int) -> torch.Tensor:
    """Like GPT-2's: near -100 and seldom tied."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * (1 + seed % 5) - 100


def new_chooser(size: int, device: str) -> tuple[FusedChoice, torch.Tensor]:
    """With the inputs that it writes to; the position after the step is 7."""
    from gptdesk.inference.cuda import choice_kernels

    inputs = torch.zeros(5, 8, dtype=torch.int64, device=device)
    inputs[4] = 7
    return FusedChoice(choice_kernels, size, inputs, {"OVERLAP": False}), inputs


def compare_choices(size: int, device: str, settings: list[DecodingSettings]) -> None:
    """Ids, logits, spread and the most likely tokens; and what the next step is told."""
    chooser, inputs = new_chooser(size, device)
    served = 0
    for number, each in enumerate(settings):
        logits = random_logits(size, number).to(device)
        if not chooser.serves(logits, each):
            continue
        served += 1
        drawn = (number + 0.5) / len(settings)
        found = chooser.packed(logits, each, drawn, ahead=True)
        expected = packed_choice(logits, each, drawn).cpu()
        if device == "cuda":
            torch.cuda.synchronize()
        ids = [0, *range(4, 4 + each.top_logprobs)]
        assert found[ids].tolist() == expected[ids].tolist(), each
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        assert inputs[:2, 0].tolist() == [found[0], 7]
        assert not inputs[:2, 1:].any()
    assert served


def compare_special_cases(device: str) -> None:
    """Many equal logits, values that are not numbers, and what is not to be put into the next step."""
    chooser, inputs = new_chooser(3000, device)
    sampled = DecodingSettings(temperature=0.8, top_k=10)
    tied = chooser.packed(torch.zeros(3000, device=device), sampled, 0.5, ahead=True).clone()
    wrong = chooser.packed(torch.full((3000,), torch.nan, device=device), sampled, 0.5, ahead=True).clone()
    greedy = chooser.packed(torch.full((3000,), torch.inf, device=device), PRESETS["Greedy"], 0.0, ahead=True).clone()
    before = inputs.clone()
    apart = chooser.packed(random_logits(3000, 1).to(device), sampled, 0.5, ahead=False)
    if device == "cuda":
        torch.cuda.synchronize()
    assert tied[0] == -1, "more candidates than fit"
    assert not wrong[2].isfinite()
    assert not greedy[2].isfinite()
    assert 0 <= before[0, 0] < 3000, "whatever was found, the next step reads a token that there is"
    assert torch.equal(inputs, before)
    assert 0 <= apart[0] < 3000


def compare_texts(settings: DecodingSettings) -> None:
    """A text of steps that are launched ahead, with tokens that the kernels put there, and one without."""
    from gptdesk.inference.cuda import choice_kernels, fused_kernels

    config = GPT2Config(vocab_size=150, n_positions=20, n_embd=16, n_layer=1, n_head=1)
    model, texts = random_model(config), []
    for by_kernels in (True, False):
        decoder = DeviceDecoder(model, graphs=False, fused=FusedStep(model, fused_kernels))
        decoder.works_ahead = by_kernels
        if by_kernels:
            decoder.chooser = FusedChoice(choice_kernels, 150, decoder._inputs, {"OVERLAP": False})
        cache, numbers, ids = KVCache(config, dtype=torch.float32, device=torch.device("cpu")), RandomNumbers(3), [5]
        for _ in range(19):
            ids.append(sampling.choose(decoder.step(cache, ids[-1]), settings, numbers).id)
        texts.append(ids)
    assert texts[0] == texts[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels run on the card then")
@pytest.mark.parametrize(
    "call",
    [
        "compare_choices(3000, 'cpu', [*SETTINGS[:6], SETTINGS[7], SETTINGS[14]])",
        "compare_special_cases('cpu')",
        "compare_texts(DecodingSettings(temperature=0))",
        "compare_texts(DecodingSettings(temperature=0.9, top_k=20, top_logprobs=3))",
    ],
)
def test_interpreted_kernels_choose_what_torch_does(call: str) -> None:
    interpret(__name__, call)


@pytest.mark.cuda
@pytest.mark.parametrize("size", [2, 1000, 50257])
def test_kernels_choose_what_torch_does(size: int) -> None:
    compare_choices(size, "cuda", SETTINGS)


@pytest.mark.cuda
def test_kernels_and_special_cases() -> None:
    compare_special_cases("cuda")


@pytest.mark.cuda
@pytest.mark.parametrize("settings", SETTINGS[:6])
def test_an_engine_writes_with_them_what_it_writes_without(
    tiny_model_folder: Path, settings: DecodingSettings, caplog: pytest.LogCaptureFixture
) -> None:
    texts = []
    for by_kernels in (True, False):
        engine, decoder = engine_on_card(tiny_model_folder)
        assert decoder.chooser is not None
        decoder.chooser = decoder.chooser if by_kernels else None
        events = [*engine.generate("Once upon a time", replace(settings, seed=3, max_tokens=100))]
        tokens = [event for event in events if isinstance(event, TokenEvent)]
        texts.append([(event.id, *(one.id for one in event.alternatives)) for event in tokens])
    assert texts[0] == texts[1]
    assert not caplog.records


def test_what_has_no_top_k_is_left_to_torch() -> None:
    kernels = type("Kernels", (), {"PART": 1024, "BLOCK": 128, "CANDIDATES": (256, 1024)})
    chooser = FusedChoice(kernels, 50257, torch.zeros(5, 8, dtype=torch.int64), {})  # type: ignore[arg-type]
    logits = torch.zeros(50257)
    assert chooser.serves(logits, PRESETS["Balanced"])
    assert chooser.serves(logits, DecodingSettings(temperature=0, top_logprobs=10))
    assert chooser.serves(logits[:300], DecodingSettings(top_k=200)), "all of a small vocabulary can be sorted"
    assert not chooser.serves(logits[:2000], DecodingSettings(top_k=200)), "fewer blocks than tokens"
    assert not chooser.serves(logits, DecodingSettings())
    assert not chooser.serves(logits, DecodingSettings(top_k=1000))
    assert not chooser.serves(torch.zeros(60000), PRESETS["Balanced"])
