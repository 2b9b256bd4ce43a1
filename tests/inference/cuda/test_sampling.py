"""What is chosen on the device, run on the CPU, against `sampling` on the same logits."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cuda import sampling as device_sampling
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.decoder import ready
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings

SETTINGS = [
    *PRESETS.values(),
    *(
        DecodingSettings(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
        for temperature, top_k, top_p, min_p in itertools.product(
            (0.3, 1.0, 2.5), (0, 1, 7, 50_257), (0.0, 0.3, 0.9, 1.0), (0.0, 0.05, 1.0)
        )
    ),
]
VOCABULARIES = (1, 2, 50, 3000)


def random_logits(size: int, seed: int) -> torch.Tensor:
    """Like GPT-2's: near -100 and seldom tied."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * (1 + seed % 5) - 100


def oracle(logits: torch.Tensor, settings: DecodingSettings, numbers: RandomNumbers) -> int:
    return SamplerChain(settings).choose(logits.numpy(), History([], []), numbers)


@pytest.mark.parametrize("size", VOCABULARIES)
def test_the_same_token_is_chosen(size: int) -> None:
    for number, settings in enumerate(SETTINGS):
        mine, theirs = RandomNumbers(number), RandomNumbers(number)
        for draw in range(8):
            logits = random_logits(size, 1000 * number + draw)
            assert device_sampling.choose(logits, settings, mine).id == oracle(logits, settings, theirs), settings
        assert mine.uniform() == theirs.uniform(), "as many numbers are drawn"


def test_the_same_token_is_chosen_from_the_whole_vocabulary() -> None:
    numbers = [RandomNumbers(5) for _ in range(2)]
    for seed, settings in itertools.product(range(20), PRESETS.values()):
        logits = random_logits(50257, seed)
        chosen = device_sampling.choose(logits, settings, numbers[0]).id
        assert chosen == oracle(logits, settings, numbers[1])


@pytest.mark.cuda
@pytest.mark.parametrize("settings", PRESETS.values(), ids=PRESETS.keys())
def test_a_card_chooses_the_same_token(settings: DecodingSettings) -> None:
    numbers = [RandomNumbers(5) for _ in range(2)]
    for seed in range(100):
        logits = random_logits(50257, seed)
        chosen = device_sampling.choose(logits.cuda(), settings, numbers[0]).id
        assert chosen == oracle(logits, settings, numbers[1])


@pytest.mark.cuda
def test_a_card_chooses_the_same_token_from_a_graph(caplog: pytest.LogCaptureFixture) -> None:
    """In turns with other settings, of which more come than are kept."""
    settings = [DecodingSettings(temperature=0.5 + number / 10, top_k=40, top_logprobs=3) for number in range(6)]
    numbers = [RandomNumbers(5) for _ in range(2)]
    for seed, each in enumerate([one for one in settings for _ in range(3)] + settings):
        logits = random_logits(50257, seed)
        choice = device_sampling.choose(logits.cuda(), each, numbers[0])
        assert choice.id == oracle(logits, each, numbers[1])
        assert [id for id, _ in choice.top] == logits.topk(3).indices.tolist()
    assert not caplog.records


def test_a_number_decides_as_the_tensor_of_it() -> None:
    """Which is what a graph reads."""
    for seed, settings in itertools.product(range(5), PRESETS.values()):
        logits, drawn = random_logits(50257, seed), (seed + 0.5) / 5
        told = [
            device_sampling.packed_choice(logits, settings, d)
            for d in (drawn, torch.tensor(drawn, dtype=torch.float64))
        ]
        assert torch.equal(*told)


def test_what_the_model_thinks_is_told_without_loss() -> None:
    logits = random_logits(50257, 3)
    settings = DecodingSettings(temperature=0.7, top_k=5, top_logprobs=20)
    choice = device_sampling.choose(logits, settings, RandomNumbers(1))
    assert choice.entropy == pytest.approx(float(torch.distributions.Categorical(logits=logits).entropy()), abs=1e-4)
    top = logits.topk(20)
    assert choice.logit == float(logits[choice.id])
    assert choice.normalizer == float(logits.logsumexp(dim=0))
    assert choice.top == tuple(zip(top.indices.tolist(), top.values.tolist(), strict=True))
    assert device_sampling.choose(logits, DecodingSettings(), RandomNumbers()).top == ()


@pytest.mark.parametrize("settings", SETTINGS[::7])
def test_nothing_is_fetched_from_the_device_before_the_end(settings: DecodingSettings, fetches: Any) -> None:
    device_sampling.packed_choice(random_logits(500, 1), settings, torch.tensor(0.3, dtype=torch.float64))
    assert fetches.count == 0


@pytest.mark.parametrize("damaged", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("settings", SETTINGS[::20])
def test_nonsense_is_told_by_the_normalizer(damaged: float, settings: DecodingSettings) -> None:
    choice = device_sampling.choose(torch.full((50,), damaged), settings, RandomNumbers())
    assert not torch.tensor(choice.normalizer).isfinite()
    assert 0 <= choice.id < 50


@pytest.mark.parametrize(
    "settings",
    [
        DecodingSettings(logit_bias={1: 1.0}),
        DecodingSettings(no_repeat_ngram=2),
        DecodingSettings(presence_penalty=0.1),
        DecodingSettings(frequency_penalty=0.1),
        DecodingSettings(repetition_penalty=1.1),
        DecodingSettings(typical_p=0.5),
    ],
)
def test_what_depends_on_the_text_is_left_to_the_cpu(settings: DecodingSettings) -> None:
    assert not device_sampling.is_simple(settings)


@dataclass(frozen=True, kw_only=True)
class LaterSettings(DecodingSettings):
    """With a sampler that `device_sampling` has never heard of."""

    made_up: float = 0.0


def test_a_new_setting_is_left_to_the_cpu_unless_it_is_neutral() -> None:
    assert device_sampling.is_simple(LaterSettings())
    assert device_sampling.is_simple(LaterSettings(temperature=0.5, top_k=5, top_p=0.5, min_p=0.1))
    assert not device_sampling.is_simple(LaterSettings(made_up=0.5))


def test_what_is_no_sampler_is_no_reason_to_leave_the_device() -> None:
    settings = DecodingSettings(stop=("a",), max_tokens=3, seed=1, n=2, top_logprobs=5, prompt_lookup=2)
    assert device_sampling.is_simple(settings)


def test_presets_are_chosen_on_the_device_if_the_logits_are_there() -> None:
    assert all(device_sampling.is_simple(settings) for settings in PRESETS.values())
    assert not device_sampling.serves(torch.zeros(3), DecodingSettings())


# In an engine whose logits lie on the CPU


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Chooses as on a device."""
    monkeypatch.setattr(device_sampling, "serves", lambda logits, settings: device_sampling.is_simple(settings))
    model = GPT2(GPT2Config(n_positions=160, n_embd=32, n_layer=2, n_head=1))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3, generator=torch.Generator().manual_seed(1))
    return Engine(model, gpt2_tokenizer(), decoder=ready(DeviceDecoder(model, graphs=False)))


@pytest.mark.parametrize("settings", PRESETS.values(), ids=PRESETS.keys())
def test_an_engine_tells_the_same_of_each_token(
    engine: Engine, settings: DecodingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = DecodingSettings(**{**settings.to_json(), "seed": 4, "max_tokens": 60, "top_logprobs": 3, "stop": ["zz"]})
    here = [*engine.generate("Once upon a time", wanted)]
    monkeypatch.undo()
    there = [*engine.generate("Once upon a time", wanted)]

    mine, theirs = ([event for event in events if isinstance(event, TokenEvent)] for events in (here, there))
    assert [(event.id, event.text) for event in mine] == [(event.id, event.text) for event in theirs]
    assert [[other.id for other in event.top] for event in mine] == [[o.id for o in event.top] for event in theirs]
    for name in ("logprob", "entropy"):
        assert [getattr(event, name) for event in mine] == pytest.approx(
            [getattr(event, name) for event in theirs], abs=1e-4
        )
    assert len(mine) == 60


def test_damaged_weights_are_told_in_one_sentence(engine: Engine) -> None:
    with torch.no_grad():
        engine.model.h[0].mlp.c_fc.weight[0, 0] = float("nan")  # type: ignore[union-attr, index]
    with pytest.raises(UserError, match="not numbers"):
        list(engine.generate("Once upon a time", DecodingSettings()))
