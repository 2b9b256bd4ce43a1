"""Parts switched off and directions added, against hooks on the models of ``transformers``."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import Tensor

from gptdesk.cli import main
from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.engine import DoneEvent, Engine, TokenEvent
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.interventions.changed_engines import ChangedEngines
from gptdesk.inference.interventions.intervention import (
    WHOLE,
    Component,
    Intervention,
    Steering,
    join_components,
    parse_components,
)
from gptdesk.inference.interventions.network import IntervenedNetwork
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.gpt2_variants import variant, variant_folder, variant_ids

VARIANTS: Final = ("gelu_new", "Mistral's, with upcast attention")
IDS: Final = variant_ids()
MEAN, TOWARD, AWAY = "9 2 77 31 5", "4 8", "11 90 3"
STEERING: Final = Steering(toward=TOWARD, away=AWAY, layer=1, strength=-1.5)
CASES: Final = {
    "heads": Intervention(without=parse_components("0.1 2.0")),
    "MLPs": Intervention(without=parse_components("0.mlp, 2.MLP")),
    "a layer": Intervention(without=parse_components("1")),
    "all of it": Intervention(without=parse_components("0, 1, 2")),
    "means": Intervention(without=parse_components("0.0 0.1 1 2.mlp"), mean_of=MEAN),
    "a direction": Intervention(steering=(STEERING,)),
    "everything": Intervention(without=parse_components("0.0 1 2.mlp"), mean_of=MEAN, steering=(STEERING,)),
}


def encode(text: str) -> list[int]:
    return [int(id) for id in text.split()]


@contextmanager
def hooked(model: Any, intervention: Intervention) -> Iterator[None]:
    """The model of ``transformers`` with the intervention, by hooks on its modules."""
    size = model.config.n_embd // model.config.n_head
    blocks = model.transformer.h

    def seen(module: Any, text: str, *, output: bool) -> Tensor:
        """What goes into or comes out of a module while the whole model reads a text, (T, C)."""
        kept: list[Tensor] = []

        def keep(_: Any, x: Any, y: Any) -> None:
            kept.append((y[0] if isinstance(y, tuple) else y) if output else x[0])

        handle = module.register_forward_hook(keep)
        model(torch.tensor([encode(text)]))
        handle.remove()
        return kept[0][0]

    def first(values: Any) -> Tensor:
        return values[0] if isinstance(values, tuple) else values

    plan: list[tuple[Any, Any, bool]] = []
    for part in intervention.without:
        block = blocks[part.layer]
        zero = torch.zeros(model.config.n_embd)
        if part.head is not None:
            new = seen(block.attn.c_proj, MEAN, output=False).mean(0) if intervention.mean_of else zero
            columns = slice(part.head * size, (part.head + 1) * size)

            def without_head(_: Any, x: Any, columns: slice = columns, new: Tensor = new) -> Any:
                changed = x[0].clone()
                changed[..., columns] = new[columns]
                return (changed, *x[1:])

            plan.append((block.attn.c_proj, without_head, False))
        elif part.mlp:
            new = seen(block.mlp, MEAN, output=True).mean(0) if intervention.mean_of else zero
            plan.append((block.mlp, lambda _, x, y, new=new: new.expand_as(y), True))
        else:
            into, out = (seen(block, MEAN, output=output) for output in (False, True))
            new = (out - into).mean(0) if intervention.mean_of else zero

            def past(_: Any, x: Any, y: Any, new: Tensor = new) -> Any:
                return (x[0] + new, *y[1:]) if isinstance(y, tuple) else x[0] + new

            plan.append((block, past, True))
    for one in intervention.steering:
        block = blocks[one.layer]
        toward, away = (seen(block, text, output=False)[-1] for text in (one.toward, one.away))
        change = one.strength * (toward - away)
        plan.append((block, lambda _, x, change=change: (x[0] + change, *x[1:]), False))
    with ExitStack() as stack:
        for module, hook, output in plan:
            handle = (module.register_forward_hook if output else module.register_forward_pre_hook)(hook)
            stack.callback(handle.remove)
        yield


@pytest.fixture(scope="module", params=VARIANTS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A model of ``transformers``, and ours."""
    folder = variant_folder(request.param, tmp_path_factory.mktemp("variant"))
    return variant(request.param), load_model(folder)


@pytest.mark.parametrize("case", CASES)
def test_every_token_is_read_as_by_plain_hooks(pair: tuple[Any, Any], case: str) -> None:
    theirs, ours = pair
    with torch.inference_mode(), hooked(theirs, CASES[case]):
        wanted = theirs(torch.tensor([IDS])).logits[0]
    network = IntervenedNetwork(ours, CASES[case], encode)
    at_once = network.logits(network.read(IDS, network.new_cache()), len(wanted[0]))
    torch.testing.assert_close(torch.from_numpy(at_once), wanted, rtol=1e-4, atol=1e-4)
    cache = network.new_cache()  # a prompt, then a token at a time, as while it writes
    parts = [network.read(part, cache) for part in (IDS[:30], *([id] for id in IDS[30:]))]
    in_parts = network.logits(network.join(parts), len(wanted[0]))
    torch.testing.assert_close(torch.from_numpy(in_parts), wanted, rtol=1e-4, atol=1e-4)


def test_the_model_is_whole_again_whatever_ends_the_reading(pair: tuple[Any, Any]) -> None:
    ours = pair[1]
    whole = TorchNetwork(ours)
    before = whole.read(IDS, whole.new_cache())
    network = IntervenedNetwork(ours, CASES["everything"], encode)
    changed = network.read(IDS, network.new_cache())
    assert not torch.equal(changed, before)
    with pytest.raises(Interrupted):
        network.read(IDS, network.new_cache(), interrupted=lambda: True)
    assert torch.equal(whole.read(IDS, whole.new_cache()), before)
    with pytest.raises(Interrupted):
        IntervenedNetwork(ours, CASES["means"], encode, interrupted=lambda: True)


def test_texts_of_a_change_are_told_of_and_end_between_two_blocks(pair: tuple[Any, Any]) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))

    everything = CASES["everything"]  # a mean, and both prompts of a direction, in three layers
    IntervenedNetwork(pair[1], everything, encode, progress=progress)
    assert told == [(done, 9) for done in range(9)]
    told.clear()
    with pytest.raises(Interrupted):
        IntervenedNetwork(pair[1], everything, encode, interrupted=lambda: len(told) == 5, progress=progress)
    assert told[-1] == (4, 9)
    told.clear()
    IntervenedNetwork(pair[1], CASES["heads"], encode, progress=progress)
    assert told == []


def test_nothing_changed_is_the_plain_network_bit_for_bit(pair: tuple[Any, Any]) -> None:
    plain, network = TorchNetwork(pair[1]), IntervenedNetwork(pair[1], WHOLE, encode)
    assert torch.equal(network.read(IDS, network.new_cache()), plain.read(IDS, plain.new_cache()))


@pytest.fixture(scope="module")
def engine(tiny_model_folder: Path) -> Engine:
    return Engine.load(tiny_model_folder, device="cpu", precision="float32")


def written(engine: Engine, intervention: Intervention, backend: str = "") -> tuple[list[int], DoneEvent]:
    settings = DecodingSettings(seed=3, max_tokens=20)
    *events, done = ChangedEngines(engine).get(intervention).generate("Once upon a time", settings, backend=backend)
    assert isinstance(done, DoneEvent)
    return [event.id for event in events if isinstance(event, TokenEvent)], done


CHANGE: Final = Intervention(
    without=parse_components("0.1, 1.mlp"), steering=(Steering(toward=" sun", layer=1, strength=3),)
)


def test_an_engine_writes_with_the_changed_model_and_stays_whole(engine: Engine) -> None:
    engines = ChangedEngines(engine)
    assert engines.get(WHOLE) is engine
    assert engines.get(CHANGE) is engines.get(CHANGE), "what it has read serves the next text"
    whole, _ = written(engine, WHOLE)
    changed, done = written(engine, CHANGE)
    assert (done.backend, done.precision) == ("torch", "float32")
    assert changed != whole
    assert written(engine, CHANGE)[0] == changed
    assert written(engine, WHOLE)[0] == whole
    plain = Engine(IntervenedNetwork(engine.model, WHOLE, engine.prompt_ids), engine.tokenizer)
    assert written(plain, WHOLE)[0] == written(Engine(engine.model, engine.tokenizer), WHOLE)[0]


@pytest.mark.parametrize("precision", ["int8", "bfloat16"])
def test_other_precisions_are_changed_too(tiny_model_folder: Path, precision: str) -> None:
    engine = Engine.load(tiny_model_folder, device="cpu", precision=precision)
    ids, done = written(engine, CHANGE)
    assert len(ids) == 20
    assert done.precision == precision


def test_the_command_line_writes_what_the_engine_does(
    engine: Engine, tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["complete", "Once upon a time", "--model", str(tiny_model_folder), "--device", "cpu", "--json"]
    flags = ["--precision", "float32", "--seed", "3", "--max-tokens", "20"]
    change = ["--without", "0.1,1.mlp", "--steer", "1", "3", " sun", ""]
    assert main([*arguments, *flags, *change]) == 0
    *tokens, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert [token["id"] for token in tokens] == written(engine, CHANGE)[0]
    assert done["backend"] == "torch"
    for wrong, sentence in {
        ("--without", "0.x"): "'0.x' is no part of a model",
        ("--without", "7.1"): "The model has the layers 0 to 1, so there is no layer 7.",
        ("--mean-of", "a text"): "--mean-of needs the parts",
        ("--steer", "one", "2", "a", "b"): "--steer needs a layer and a strength first",
    }.items():
        assert main([*arguments, *wrong]) != 0
        assert sentence in capsys.readouterr().err


def test_parts_are_read_and_written_in_words() -> None:
    parts = parse_components(" 3.1,5.mlp  6 ")
    assert parts == (Component(3, 1), Component(5, mlp=True), Component(6))
    assert join_components(parts) == "3.1, 5.mlp, 6"
    assert parse_components(" , ") == ()
    assert Intervention(without=parts).name == "without 3.1, MLP 5, layer 6"
    for wrong in ("3.", "x", "3.1.2", "-1", "3.head", "12345.0"):
        with pytest.raises(UserError, match="is no part of a model"):
            Component.parse(wrong)


@pytest.mark.parametrize("case", CASES)
def test_an_intervention_comes_back_from_json(case: str) -> None:
    intervention = CASES[case]
    again = Intervention.from_json(json.loads(json.dumps(intervention.to_json())))
    assert again == intervention
    assert hash(again) == hash(intervention)


def test_equal_changes_are_equal_however_they_are_named() -> None:
    named = Intervention(without=parse_components("2.1 1.mlp 1 2.1 0.mlp 0.3"))
    assert named == Intervention(without=parse_components("0.3 0.mlp 1 2.1"))
    assert Intervention(mean_of="a text without parts") == WHOLE
    assert WHOLE.to_json() == {}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"without": ["1.x"]}, "is no part of a model"),
        ({"without": 3}, "cannot be read"),
        ({"twisted": []}, "cannot be read"),
        ({"steering": [{"toward": "a", "layer": -1}]}, "must be a whole number from 0 on, not -1"),
        ({"steering": [{"toward": "a", "layer": 1, "strength": 1e9}]}, "must lie between -100 and 100, not 1e"),
        ({"steering": [{"toward": "a", "away": "a", "layer": 1}]}, "two different prompts"),
        ({"mean_of": "x" * 10_001, "without": ["0"]}, "may have 10,000 characters; this one has 10,001"),
    ],
)
def test_what_cannot_be_used_is_said(values: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Intervention.from_json(values)


def test_parts_that_a_model_lacks_are_said() -> None:
    for case in CASES.values():
        case.check_shape(3, 2)
    for parts, sentence in {
        "3.0": "layers 0 to 2, so there is no layer 3",
        "0.2": "heads 0 to 1, so there is no 0.2",
    }.items():
        with pytest.raises(UserError, match=sentence):
            Intervention(without=parse_components(parts)).check_shape(3, 2)
    with pytest.raises(UserError, match="no layer 3"):
        Intervention(steering=(Steering(toward="a", layer=3),)).check_shape(3, 2)
