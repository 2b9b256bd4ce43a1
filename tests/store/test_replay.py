"""A stored generation is generated again: the same tokens, or a sentence that says why not."""

import dataclasses
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gptdesk.devices import runtime_of
from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import DoneEvent, Engine, TokenEvent
from gptdesk.inference.interventions.changed_engines import ChangedEngines
from gptdesk.inference.interventions.intervention import WHOLE, Component, Intervention, Steering
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.provenance.facts import UNKNOWN, facts
from gptdesk.store.provenance.replay import (
    LoadedModel,
    Replay,
    first_difference,
    generation_at,
    prompt_hash,
    reason_of_difference,
    replay_of,
    why_not,
)
from gptdesk.store.runs import CHOSEN, Origin, Token
from gptdesk.store.special_stream import SpecialTokenStream

WORDS = ("Once", "upon", "a", "time", "there", "was", "an", "old", "house", "by", "the", "sea", "and", "again")


@pytest.fixture(scope="module")
def engine(tiny_model_folder: Path) -> Engine:
    return Engine.load(tiny_model_folder, device="cpu", precision="float32")


def write(
    engine: Engine,
    document: Document,
    settings: DecodingSettings,
    *,
    stop_after: int | None = None,
    intervention: Intervention = WHOLE,
) -> str:
    """Continues the document as the window does; returns the name of the generation."""
    prompt = document.mixed
    name = f"g{len(document.runs)}"
    origin = Origin(
        generation=name, model="tiny", settings=settings, device=engine.device, precision=engine.precision,
        tokenizer=engine.tokenizer.sha256, weights="a" * 64, runtime=runtime_of("cpu", "numpy"),
        prompt=prompt_hash(prompt), intervention=intervention,
    )  # fmt: skip
    document.begin_generation(origin)
    stream = SpecialTokenStream(engine.tokenizer)
    written: list[int] = []
    changed = ChangedEngines(engine).get(intervention)
    for event in changed.generate(
        prompt, dataclasses.replace(settings, n=1), cancelled=lambda: len(written) == stop_after
    ):
        if isinstance(event, TokenEvent):
            mixed, tokens = stream.feed([event])
            document.append_tokens(mixed.text, tokens, special=mixed.names)
            written.append(event.id)
        elif isinstance(event, DoneEvent):
            end = stream.finish(event.tail)
            document.append_tokens(end.text, (), special=end.names)
            document.end_generation(
                event.finish_reason, seed=event.seed, backend=event.backend, prompt_tokens=event.prompt_tokens
            )
    return name


def replayed(engine: Engine, replay: Replay) -> list[int]:
    changed = ChangedEngines(engine).get(replay.origin.intervention)
    events = changed.generate(replay.prompt, replay.settings, backend=replay.origin.backend)
    return [event.id for event in events if isinstance(event, TokenEvent)]


def random_settings(dice: random.Random) -> DecodingSettings:
    """Any of the settings, each in a third of the cases."""

    def maybe(value: Any, otherwise: Any) -> Any:
        return value if dice.random() < 1 / 3 else otherwise

    return DecodingSettings(
        temperature=dice.choice([0.0, 0.3, 1.0, 1.0, 2.5]),
        dynatemp_range=maybe(0.3, 0.0),
        top_k=maybe(dice.randrange(1, 200), 0),
        top_p=maybe(dice.uniform(0.3, 1), 1.0),
        min_p=maybe(0.01, 0.0),
        typical_p=maybe(0.9, 1.0),
        top_n_sigma=maybe(2.0, 0.0),
        xtc_probability=maybe(0.7, 0.0),
        xtc_threshold=0.00001,
        mirostat_tau=maybe(5.0, 0.0),
        repetition_penalty=maybe(1.3, 1.0),
        frequency_penalty=maybe(0.5, 0.0),
        no_repeat_ngram=maybe(2, 0),
        dry_multiplier=maybe(0.8, 0.0),
        logit_bias=maybe({11: 5.0, 262: -100.0}, {}),
        sampler_order=maybe(("top_p", "temperature"), ()),
        stop=maybe(("e", "zz"), ()),
        until=maybe("line", "max tokens"),
        prompt_lookup=maybe(4, 0),
        seed=maybe(dice.randrange(2**63), None),
        max_tokens=dice.choice([1, 3, 10, 16]),
    )


def a_beginning(dice: random.Random) -> MixedText:
    """Empty, short, nearly as long as the context of 64 tokens, or longer; sometimes with a special token."""
    count = dice.choice([0, 1, 5, 50, 62, 64, 90, 130])
    text = " ".join(dice.choice(WORDS) for _ in range(count))
    if dice.random() < 0.2:
        return MixedText(text + PLACEHOLDER, ("<|endoftext|>",)) + MixedText("So ")
    return MixedText(text)


def test_a_replay_is_identical_for_100_random_settings(engine: Engine, tmp_path: Path) -> None:
    dice = random.Random(15)
    database = Database(tmp_path / "documents.sqlite")
    compared = 0
    for number in range(100):
        settings, beginning = random_settings(dice), a_beginning(dice)
        document = Document()
        document.replace(0, 0, beginning.text, special=beginning.names)
        name = write(engine, document, settings, stop_after=dice.choice([None, None, None, 5]))
        if generation_at(document, 0) is None:  # it ended before its first character
            continue
        database.save(document.snapshot())
        stored = Document(database.load(document.id))
        for _ in engine.generate(" ".join(dice.choices(WORDS, k=9)), DecodingSettings(max_tokens=2)):
            pass  # the model has read another text since
        replay = replay_of(stored, name)
        assert first_difference(replay.ids, replayed(engine, replay)) is None, f"case {number}: {settings}"
        compared += len(replay.ids)
    database.close()
    assert compared > 300


@pytest.fixture
def document(engine: Engine) -> Document:
    """Typed text, then six tokens of the model."""
    made = Document()
    made.replace(0, 0, "Once upon a time")
    write(engine, made, DecodingSettings(seed=3, max_tokens=6))
    return made


def test_what_is_left_of_an_edited_generation_is_compared(engine: Engine, document: Document) -> None:
    whole = replay_of(document, "g1")
    document.replace(len(document.text) - 1, len(document.text), "!")
    rest = replay_of(document, "g1")
    assert rest.ids == whole.ids[: len(rest.ids)]
    assert 0 < len(rest.ids) < len(whole.ids)
    assert replayed(engine, rest) == list(rest.ids)


def test_a_replay_after_more_text_was_written_uses_the_prompt_of_then(engine: Engine, document: Document) -> None:
    before = replay_of(document, "g1")
    write(engine, document, DecodingSettings(seed=4, max_tokens=3))
    assert generation_at(document, before.start) == "g1"
    assert generation_at(document, len(document.text)) == "g2"
    assert replay_of(document, "g1") == before
    second = replay_of(document, "g2")
    assert second.prompt.text == document.text[: second.start]
    assert replayed(engine, second) == list(second.ids)


def test_a_decoder_that_was_used_is_used_again(engine: Engine, document: Document) -> None:
    replay = replay_of(document, "g1")
    done = [event for event in engine.generate("x", replay.settings, backend="numpy") if isinstance(event, DoneEvent)]
    assert done[0].backend == "numpy"
    with pytest.raises(UserError, match="decoded by abacus"):
        next(engine.generate("x", replay.settings, backend="abacus"))


def test_a_changed_model_generates_the_same_text_again(engine: Engine, tmp_path: Path) -> None:
    database = Database(tmp_path / "documents.sqlite")
    found = []
    for intervention in (WHOLE, CHANGED):
        document = Document()
        document.replace(0, 0, "Once upon a time")
        name = write(engine, document, DecodingSettings(seed=5, max_tokens=12), intervention=intervention)
        database.save(document.snapshot())
        replay = replay_of(Document(database.load(document.id)), name)
        assert replay.origin.intervention == intervention
        assert replayed(engine, replay) == list(replay.ids)
        found.append(replay.ids)
    database.close()
    assert found[0] != found[1]


def test_what_cannot_be_generated_again_is_said(document: Document) -> None:
    start = len("Once upon a time")

    def edited(*, origin: dict[str, Any] | None = None, edit: tuple[int, int, str] | None = None) -> Document:
        snapshot = document.snapshot()
        nodes = {
            id: replace(node, run=replace(node.run, origin=replace(node.run.origin, **(origin or {}))))
            if node.run.origin
            else node
            for id, node in snapshot.nodes.items()
        }
        changed = Document(replace(snapshot, nodes=nodes))
        if edit:
            changed.replace(*edit)
        return changed

    cases = {
        "text before this generation was edited": edited(edit=(0, 4, "Twice")),
        "beginning of this generation was edited": edited(edit=(start, start + 1, "x")),
        "A person chose these tokens": edited(origin={"finish_reason": CHOSEN}),
        "seed of this generation was not kept": edited(origin={"seed": None}),
        "Unknown decoding setting: warmth": edited(origin={"foreign_settings": '{"warmth": 1}'}),
        "changed in a way that another version": edited(origin={"foreign_intervention": '{"twisted": 1}'}),
    }
    for sentence, changed in cases.items():
        with pytest.raises(UserError, match=sentence):
            replay_of(changed, "g1")
    with pytest.raises(UserError, match="not in the text any more"):
        replay_of(document, "another")


LOADED = LoadedModel(
    model="tiny", weights="a" * 64, tokenizer="t", device="cpu", precision="int8", backend="numba", runtime="torch 2"
)
MADE = Origin(
    generation="g", model="tiny", seed=1, device="cpu", precision="int8", backend="numba", tokenizer="t",
    weights="a" * 64, runtime="torch 2",
)  # fmt: skip

CHANGED = Intervention(
    without=(Component(1, mlp=True), Component(0, 1)),
    mean_of="Once upon a time",
    steering=(Steering(toward="sun", away="", layer=1, strength=2.5),),
)


@pytest.mark.parametrize(
    ("loaded", "sentence"),
    [
        ({}, ""),
        ({"model": "/a/copy"}, ""),
        ({"weights": "b" * 64}, "tiny is another version now: its weights have the hash bbbbbbbbbbbbbbbb…"),
        ({"weights": "b" * 64, "model": "other"}, "It was generated by tiny, and other is in use."),
        ({"tokenizer": "u"}, "It was generated with another tokenizer"),
        ({"device": "cuda:0"}, "It was generated on cpu in int8, and the model is loaded on cuda:0 in int8"),
        ({"precision": "float32"}, "It was generated on cpu in int8, and the model is loaded on cpu in float32"),
        ({"backend": "numpy", "compiling": True}, "which is being compiled: try again in a minute."),
        ({"backend": "torch"}, "compiled code, which this computer does not have."),
    ],
)
def test_a_model_that_cannot_give_the_same_text_is_said(loaded: dict[str, Any], sentence: str) -> None:
    found = why_not(MADE, replace(LOADED, **loaded))
    assert sentence in found
    assert bool(found) == bool(sentence)


def test_what_torch_generated_on_a_cpu_is_not_compared_with_compiled_code() -> None:
    old = replace(MADE, backend="torch")
    assert "by PyTorch on the CPU" in why_not(old, LOADED)
    assert why_not(old, replace(LOADED, backend="torch")) == ""
    assert why_not(replace(old, intervention=CHANGED), LOADED) == "", "torch computes it whatever decodes"


def test_what_may_explain_a_difference_is_said() -> None:
    assert reason_of_difference(MADE, LOADED) == ""
    assert "computed by torch 2; now by torch 3" in reason_of_difference(MADE, replace(LOADED, runtime="torch 3"))
    old = Origin(generation="g", model="tiny", seed=1)
    assert why_not(old, LOADED) == ""
    assert reason_of_difference(old, LOADED) == (
        "The document does not tell the hash of the weights and the decoder: an earlier version wrote it."
    )


def test_a_difference_is_found_where_it_is() -> None:
    assert first_difference([1, 2, 3], [1, 2, 3]) is None
    assert first_difference([1, 2, 3], [1, 9, 3]) == 1
    assert first_difference([1, 2, 3], [1, 2]) == 2
    assert first_difference([], [1]) == 0


def test_everything_that_is_kept_comes_back_from_the_file_and_what_is_missing_is_unknown(tmp_path: Path) -> None:
    database = Database(tmp_path / "documents.sqlite")
    document = Document()
    settings = DecodingSettings(top_p=0.5, stop=("\n",))
    origin = replace(MADE, settings=settings, prompt="p" * 64, prompt_tokens=7, intervention=CHANGED)
    document.begin_generation(origin)
    document.append_tokens("x", [Token(1, 1, -0.5)])
    document.end_generation("stop")
    database.save(document.snapshot())
    stored = Document(database.load(document.id)).last_origin()
    database.close()
    assert stored == replace(origin, finish_reason="stop")
    told = dict(facts(stored))
    assert told["Settings"] == "Top-p 0.5 · Stop strings '\\n'"
    assert told["Model changed"] == "0.1, MLP 1 at the mean; steered by “sun” × 2.5 into layer 1"
    assert told["Weights"] == "aaaaaaaaaaaaaaaa…"
    assert UNKNOWN not in told.values()
    oldest = dict(facts(Origin(generation="g", model="stories")))
    assert {title for title, value in oldest.items() if value == UNKNOWN} == {
        "Weights", "Tokenizer", "Seed", "Prompt", "Device", "Precision", "Computed by", "Ended",
    }  # fmt: skip


def test_settings_of_another_version_stay_in_the_file_when_the_document_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "documents.sqlite"
    database = Database(path)
    document = Document()
    document.begin_generation(MADE)
    document.append_tokens("x", [Token(1, 1, -0.5)])
    document.end_generation("stop")
    database.save(document.snapshot())
    database.close()

    def origins() -> list[dict[str, Any]]:
        with closing(sqlite3.connect(path)) as db:
            return [json.loads(text) for (text,) in db.execute("select origin from nodes where origin is not null")]

    (values,) = origins()
    assert "intervention" not in values
    values["settings"] = {"warmth": [1, 2], "top_p": 0.5}
    values["intervention"] = {"twisted": [3]}
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update nodes set origin = ? where origin is not null", (json.dumps(values),))
    database = Database(path)
    again = Document(database.load(document.id))
    told = dict(facts(again.last_origin() or MADE))
    assert told["Settings"] == "of another version of gptdesk"
    assert told["Model changed"] == "in a way of another version of gptdesk"
    again.replace(0, 0, "y")
    again.replace(len(again.text), len(again.text), "z")
    database.save(again.snapshot())
    database.close()
    assert [one["settings"] for one in origins()] == [{"warmth": [1, 2], "top_p": 0.5}]
    assert [one["intervention"] for one in origins()] == [{"twisted": [3]}]


def test_the_same_tokenizer_has_the_same_identity(engine: Engine) -> None:
    assert engine.tokenizer.sha256 == gpt2_tokenizer().sha256
