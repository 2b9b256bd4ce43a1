"""Which code decodes: compiled code once it is there, NumPy until then, and torch where Numba is missing."""

import os
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cpu.compiling import CompiledStep, compile_step
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.cpu.quantized_files import load_weights
from gptdesk.inference.decoder import DecoderFuture
from gptdesk.inference.decoder_loader import DecoderLoader
from gptdesk.inference.engine import DoneEvent, Engine, Event, NoticeEvent, TokenEvent
from gptdesk.inference.events import precision_label
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.completing_process import ids_by_torch, lines_of, start_completing
from tests.random_models import random_model

pytest.importorskip("numba")

CONFIG = GPT2Config(n_positions=320, n_embd=64, n_layer=3, n_head=2)
PROMPT = "Once upon a time"
SAMPLED = DecodingSettings(seed=3, max_tokens=30, top_logprobs=3, logit_bias={50256: -100})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("model")
    save_model(random_model(CONFIG, seed=5), made)
    return made


def written(events: Sequence[Event]) -> list[tuple[object, ...]]:
    return [(event.id, event.logprob, event.top) for event in events if isinstance(event, TokenEvent)]


def precision(events: Sequence[Event]) -> str:
    return next(precision_label(event.precision, event.backend) for event in events if isinstance(event, DoneEvent))


def test_greedy_text_in_float32_is_the_networks_over_500_tokens(folder: Path) -> None:
    greedy = DecodingSettings(temperature=0, max_tokens=500, repetition_penalty=5.0, logit_bias={50256: -100})
    compiled = [*Engine.load(folder, device="cpu", precision="float32", threads=2).generate(PROMPT, greedy)]
    torch_alone = [*Engine(load_model(folder), gpt2_tokenizer()).generate(PROMPT, greedy)]
    ids = [event.id for event in compiled if isinstance(event, TokenEvent)]
    assert ids == [event.id for event in torch_alone if isinstance(event, TokenEvent)]
    assert len(ids) == 500
    assert len(set(ids)) > 100, "a text that repeats itself would prove little"
    assert (precision(compiled), precision(torch_alone)) == ("float32 (numba)", "float32")
    assert [type(event) for event in compiled].count(NoticeEvent) > 0, "the context filled on the way"


@pytest.mark.parametrize("name", ["auto", "int8", "int4", "bfloat16", "float32"])
def test_same_seed_same_text(folder: Path, name: str) -> None:
    engines = [Engine.load(folder, device="cpu", precision=name, threads=threads) for threads in (1, 2)]
    for engine in engines:
        engine.decoder.result(timeout=600)  # type: ignore[union-attr]
    texts = [written([*engine.generate(PROMPT, SAMPLED)]) for engine in (*engines, *engines)]
    assert texts == [texts[0]] * 4
    assert (engines[0].precision, engines[0].backend) == ("int8" if name == "auto" else name, "numba")


def test_completions_do_not_disturb_each_other(folder: Path) -> None:
    engine = Engine.load(folder, device="cpu")
    many = [*engine.generate(PROMPT, DecodingSettings(seed=3, n=3, max_tokens=20))]
    for index in range(3):
        alone = [*engine.generate(PROMPT, DecodingSettings(seed=3 + index, max_tokens=20))]
        assert written([event for event in many if event.index == index]) == written(alone)


def test_numpy_serves_until_the_decoder_is_made(folder: Path) -> None:
    weights = load_weights(folder, "int8")
    network = CPUNetwork(weights)
    coming: DecoderFuture = Future()
    engine = Engine(network, gpt2_tokenizer(), decoder=coming)
    alone = [*Engine(network, gpt2_tokenizer()).generate(PROMPT, SAMPLED)]
    first = engine.generate(PROMPT, SAMPLED)
    events = [next(first)]
    decoder = DecoderLoader(1).decoder(weights).result(timeout=600)
    coming.set_result(decoder)
    events += first
    assert written(events) == written(alone), "a completion is finished as it was begun"
    assert precision(events) == "int8 (numpy)"
    later = [*engine.generate(PROMPT, SAMPLED)]
    assert precision(later) == precision_label(engine.precision, engine.backend) == "int8 (numba)"
    assert written(later) != written(alone), "compiled code adds up in another order"


def test_numpy_serves_while_another_process_compiles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gptdesk.inference import decoder_loader

    compiled: Future[CompiledStep] = Future()
    monkeypatch.setattr(decoder_loader, "find_step", lambda: None)
    monkeypatch.setattr(decoder_loader, "compile_elsewhere", lambda: compiled)
    engine = Engine.load(folder, device="cpu", precision="int8")
    assert engine.is_compiling
    assert precision([*engine.generate(PROMPT, SAMPLED)]) == "int8 (numpy)"
    compiled.set_result(compile_step())
    assert not engine.is_compiling
    assert precision([*engine.generate(PROMPT, SAMPLED)]) == "int8 (numba)"


def test_where_it_cannot_be_compiled_numpy_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from gptdesk.inference import decoder_loader

    def fail() -> None:
        raise ImportError("Numba needs NumPy 2.5 or less")

    failed: Future[CompiledStep] = Future()
    failed.set_exception(UserError("Compiling the decode step failed"))
    monkeypatch.setattr(decoder_loader, "find_step", fail)
    monkeypatch.setattr(decoder_loader, "compile_elsewhere", lambda: failed)
    engine = Engine.load(folder, device="cpu")
    assert not engine.is_compiling
    assert precision([*engine.generate(PROMPT, SAMPLED)]) == "int8 (numpy)"
    assert "Compiling the decode step failed" in caplog.text


WITHOUT_NUMBA = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(name)
sys.modules["numba"] = None
sys.meta_path.insert(0, Refuse())
"""


def test_text_is_written_where_numba_is_not_installed(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    process = start_completing(folder, environment, before=WITHOUT_NUMBA)
    assert lines_of(process) == ["float32", "float32", *ids_by_torch(folder)]
