"""Comparisons: identical columns, divergence beside transformers, other vocabularies, failures, Ctrl+C."""

import gc
import itertools
import math
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gptdesk.compare import comparison as comparison_module
from gptdesk.compare import engines
from gptdesk.compare.columns import Column
from gptdesk.compare.comparison import CellReady, ColumnFailed, Comparison, Loading, Notice
from gptdesk.compare.engines import OwnEngine, loader
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import Engine
from gptdesk.inference.events import DoneEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.compare.conftest import NewColumn, compared

PROMPTS = ("Once upon a time", "The “house” 🐈 was")


def in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if memory were too small for two models."""
    monkeypatch.setattr(comparison_module, "one_after_the_other", lambda columns, room: "One after the other.")


@pytest.mark.parametrize("together", [True, False])
def test_a_model_beside_itself_is_identical(column: NewColumn, monkeypatch: pytest.MonkeyPatch, together: bool) -> None:
    if not together:
        in_turn(monkeypatch)
    results = compared(column("one", "a"), column("one", "b"), prompts=PROMPTS).results
    for prompt in range(2):
        first, second = results.cells[prompt, 0], results.cells[prompt, 1]
        assert first.text == second.text
        assert results.parting(prompt, 0, 1) is None
        assert second.shared is not None
        assert second.shared.kl is not None
        assert np.abs(second.shared.kl[1:]).max() <= 1e-6
    assert results.cells[0, 0].seed + 1 == results.cells[1, 0].seed


def test_a_column_writes_what_the_engine_writes(column: NewColumn, models: dict[str, Path]) -> None:
    results = compared(column("one"), column("two", temperature=0.7)).results
    engine = Engine.load(models["two"], device="cpu", precision="float32")
    settings = DecodingSettings(max_tokens=12, temperature=0.7, seed=5)
    done = [event for event in engine.generate(PROMPTS[0], settings) if isinstance(event, DoneEvent)]
    assert results.cells[0, 1].text == done[0].text


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_int8_beside_float32_diverges_as_transformers_says(
    column: NewColumn, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, together: bool, compiled: bool
) -> None:
    """Compiled code rounds activations to 16 bits, which is part of what the column does: a hundredth of this."""
    if not together:
        in_turn(monkeypatch)
    load = loader(None)

    def loaded(one: Column, progress: Any) -> OwnEngine:
        own = load(one, progress)
        if not compiled:
            own.engine.decoder = None
        return own

    # More than a context, so that the text is read in several windows.
    columns = column("one", max_tokens=90), column("one", "int8", precision="int8", max_tokens=90)
    comparison = Comparison(columns, PROMPTS[:1], seed=5, load=loaded)
    for _ in comparison.run():
        pass
    results = comparison.results
    text = results.shared_text(0)
    assert text is not None
    exact, rounded = _network(models["one"]), _rounded(_network(models["one"]))
    expected, changes = _divergence(exact, rounded, gpt2_tokenizer().encode(text))
    reading, reference = results.cells[0, 1].shared, results.cells[0, 0].shared
    assert reading is not None
    assert reference is not None
    assert reading.kl is not None
    assert len(reading.kl) > 64
    assert expected[1:].max() > 1e-4
    np.testing.assert_allclose(reading.kl[1:], expected[1:], rtol=0.02 if compiled else 1e-3, atol=2e-7)
    change = reading.surprisal_change(reference)
    assert change is not None
    np.testing.assert_allclose(change[1:], changes[1:], atol=2e-3 if compiled else 1e-4)


def _network(folder: Path) -> Any:
    from transformers import GPT2LMHeadModel

    return GPT2LMHeadModel.from_pretrained(folder).eval()


def _rounded(network: Any) -> Any:
    """The network with what int8 keeps of its matrices: whole multiples of a 127th of each row's largest weight."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.dim() < 2 or name == "transformer.wpe.weight":
                continue
            rows = weight if name == "transformer.wte.weight" else weight.T  # GPT-2's matrices lie transposed
            scales = rows.abs().amax(dim=1, keepdim=True) / 127
            rows.copy_((rows / scales).round() * scales)
    return network


def _divergence(p: Any, q: Any, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """KL(P || Q) and the change of surprisal in bits at each token, read in windows half a context apart."""
    kl, change = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    first, context = 1, 64
    for start in range(0, len(ids) - 1, context // 2):
        end = min(start + context + 1, len(ids))
        window = torch.tensor([ids[start : end - 1]])
        with torch.no_grad():
            logs = [model(window).logits[0].double().log_softmax(-1) for model in (p, q)]
        for place in range(first, end):
            a, b = (log[place - 1 - start] for log in logs)
            kl[place] = float((a.exp() * (a - b)).sum())
            change[place] = float(a[ids[place]] - b[ids[place]]) / math.log(2)
        first = end
        if end == len(ids):
            break
    return kl, change


def test_texts_part_at_the_first_other_token_with_both_distributions(column: NewColumn) -> None:
    results = compared(column("one"), column("two")).results
    first, second = results.cells[0, 0], results.cells[0, 1]
    place = results.parting(0, 0, 1)
    assert place is not None
    assert first.ids[: place.first].tolist() == second.ids[: place.second].tolist()
    assert first.ids[place.first] != second.ids[place.second]
    assert first.text[: place.character] == second.text[: place.character]
    for cell, index, which in ((first, place.first, 0), (second, place.second, 1)):
        top = results.top(0, which, index)
        assert [one.id for one in top] == cell.top_ids[index].tolist()
        assert len(top) == 10
        assert top[0].logprob >= top[-1].logprob


def test_a_text_that_the_model_ended_parts_at_its_end(column: NewColumn) -> None:
    """The other one goes on; what it would have been is the distribution in which the end was chosen."""
    end = gpt2_tokenizer().end_of_text
    bias = {end: 100.0}
    results = compared(column("one"), column("one", "ended", logit_bias=bias)).results
    ended = results.cells[0, 1]
    assert (ended.text, ended.finish_reason) == ("", "end_of_text")
    assert results.parting(0, 0, 1) == (0, 0, 0)
    assert [one.id for one in results.top(0, 1, 0)] == results.cells[0, 0].top_ids[0].tolist()


def test_vocabularies_that_differ_are_compared_by_text_and_bytes(column: NewColumn) -> None:
    results = compared(column("one", max_tokens=30), column("own", max_tokens=30)).results
    first, second = results.cells[0, 0], results.cells[0, 1]
    place = results.parting(0, 0, 1)
    assert place is not None
    assert first.text[: place.character] == second.text[: place.character]
    assert first.text[place.character :][:1] != second.text[place.character :][:1]
    assert first.starts[place.first] <= place.character < first.ends[place.first]
    assert first.shared is not None
    assert second.shared is not None
    assert second.shared.kl is None
    assert second.shared.surprisal_change(first.shared) is None
    size = len((results.shared_text(0) or "").encode())
    assert first.shared.ends[-1] == second.shared.ends[-1] == size
    begin = min(set(first.shared.ends.tolist()) & set(second.shared.ends.tolist()))
    for mine, theirs in ((first.shared, second.shared), (second.shared, first.shared)):
        nats = -sum(mine.logprobs[place] for place in range(len(mine.ids)) if mine.ends[place] > begin)
        assert mine.bits_per_byte(theirs) == pytest.approx(nats / math.log(2) / (size - begin))


@pytest.mark.parametrize("together", [True, False])
def test_a_model_that_disappears_costs_one_sentence_and_its_own_results(
    column: NewColumn, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    if not together:
        in_turn(monkeypatch)
    gone = tmp_path / "gone"
    shutil.copytree(models["two"], gone)
    lost = Column(label="lost", model="gone", folder=gone, config=column("two").config, settings=column("two").settings)
    comparison = Comparison((column("one"), lost, column("own")), PROMPTS, seed=5, load=loader(None))
    failures = []
    for event in comparison.run():
        if isinstance(event, CellReady) and gone.exists():
            shutil.rmtree(gone)
        failures += [event] if isinstance(event, ColumnFailed) else []
    results = comparison.results
    assert [event.column for event in failures] == [1]
    assert list(results.failures) == [1]
    assert str(gone) in results.failures[1]
    assert sorted(results.cells) == [(0, 0), (0, 2), (1, 0), (1, 2)]


def test_when_the_first_column_fails_the_second_is_what_the_others_read(column: NewColumn, tmp_path: Path) -> None:
    missing = Column(
        label="x", model="x", folder=tmp_path / "x", config=column("one").config, settings=column("one").settings
    )
    results = compared(missing, column("one"), column("two")).results
    assert results.reference(0) == 1
    assert results.cells[0, 2].shared is not None
    assert results.cells[0, 2].shared.kl is not None


@pytest.mark.parametrize("together", [True, False])
def test_what_is_done_when_it_is_cancelled_stays(
    column: NewColumn, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    if not together:
        in_turn(monkeypatch)
    comparison = Comparison((column("one"), column("two")), PROMPTS, seed=5, load=loader(None))
    whole = compared(column("one"), column("two"), prompts=PROMPTS).results
    for _ in comparison.run(lambda: len(comparison.results.cells) == 3):
        pass
    assert len(comparison.results.cells) == 3
    for place, cell in comparison.results.cells.items():
        assert cell.text == whole.cells[place].text


def test_cancelling_ends_a_completion_before_its_next_token(column: NewColumn) -> None:
    comparison = Comparison((column("one", max_tokens=40), column("two")), PROMPTS, seed=5, load=loader(None))
    asked = itertools.count()
    for _ in comparison.run(lambda: next(asked) > 10):
        pass
    assert comparison.results.cells == {}


def test_without_room_for_distributions_only_the_divergence_is_missing(
    column: NewColumn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_module, "free_for_logits", lambda: 1_000)
    results = compared(column("one"), column("two")).results
    reading = results.cells[0, 1].shared
    assert reading is not None
    assert reading.kl is None
    assert not np.isnan(reading.logprobs[1:]).any()
    assert len(results.notices) == 1
    assert "divergence" in results.notices[0]


def test_columns_with_the_same_weights_load_them_once(column: NewColumn) -> None:
    loaded: list[str] = []
    load = loader(None)

    def counting(one: Column, progress: Any) -> OwnEngine:
        loaded.append(one.label)
        return load(one, progress)

    columns = (column("one", "cold", temperature=0.1), column("one", "hot", temperature=2.0), column("two"))
    for _ in Comparison(columns, PROMPTS, seed=5, load=counting).run():
        pass
    assert loaded == ["cold", "two"]


def test_where_not_all_models_fit_it_is_said_first_and_one_is_held_at_a_time(
    column: NewColumn, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = (column("one"), column("two"), column("own"))
    monkeypatch.setattr(engines, "free_memory", lambda: engines.memory_together(columns) - 1)
    load, loaded = loader(None), []

    def watched(one: Column, progress: Any) -> OwnEngine:
        gc.collect()
        assert [engine() for engine in loaded] == [None] * len(loaded)
        own = load(one, progress)
        loaded.append(weakref.ref(own.engine))
        return own

    comparison = Comparison(columns, PROMPTS, seed=5, load=watched)
    first, second, *_ = comparison.run()
    assert isinstance(first, Notice)
    assert first.message.endswith("so they are loaded one after the other.")
    assert isinstance(second, Loading)
    assert len(loaded) == 3
    assert len(comparison.results.cells) == 6
    monkeypatch.setattr(engines, "free_memory", lambda: None)
    assert Comparison(columns, PROMPTS, load=watched).why_in_turn == ""
