"""Views of the checkpoints of a run: read once, kept beside the run, and what becomes of what is deleted meanwhile."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from gptdesk.cli import main
from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.training.checkpoint_views import (
    AtStep,
    heads_question,
    look_into,
    missing_sentence,
    surprisal_question,
    views_by_step,
)
from gptdesk.training.checkpoints import CheckpointInfo, checkpoints, run_of
from gptdesk.training.inspection_cache import InspectionCache, manifest_hash
from tests.small_run import STEPS
from tests.small_run import small_run as small_run  # a fixture

TEXT = "Once upon a time there were 7 dragons. Once upon a time there were 8 dragons, and they were sad."
IDS = gpt2_tokenizer().encode(TEXT)


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, which a test may change."""
    return Path(shutil.copytree(small_run, tmp_path / "copy"))


class Looks:
    """Looks into checkpoints, and counts."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def __call__(self, checkpoint: CheckpointInfo) -> list[Any]:
        self.steps.append(checkpoint.step)
        return look_into(checkpoint, "surprisal", IDS, "cpu", lambda: False)


def seen(run: Path, look: Callable[[CheckpointInfo], Any], ids: Sequence[int] = IDS) -> list[AtStep]:
    return list(views_by_step(run, checkpoints(run), look, surprisal_question(ids, "float32")))


def test_surprisals_are_those_of_the_model_in_windows_of_its_context(run: Path) -> None:
    """Against the network itself: the context is 16, and windows begin 8 tokens apart."""
    assert len(IDS) > 16
    last = checkpoints(run)[-1]
    rows = look_into(last, "surprisal", IDS, "cpu", lambda: False)
    model, tokenizer = load_model(last.path), gpt2_tokenizer()
    assert [row["token"] for row in rows] == [tokenizer.piece(id) for id in IDS]
    assert rows[0]["surprisal"] is None
    for place in range(1, len(IDS)):
        start = max(0, math.ceil((place - 16) / 8) * 8)
        with torch.inference_mode():
            logprobs = model(torch.tensor([IDS[start:place]]))[0, -1].log_softmax(-1)
        assert rows[place]["surprisal"] == pytest.approx(-float(logprobs[IDS[place]]) / math.log(2), abs=1e-3)


def test_checkpoints_are_read_once_and_a_text_is_learned(run: Path) -> None:
    look = Looks()
    first = seen(run, look)
    assert [one.step for one in first] == look.steps == list(STEPS)
    assert seen(run, look) == first
    assert look.steps == list(STEPS)
    means = [sum(row["surprisal"] or 0 for row in one.rows or ()) for one in first]
    assert means == sorted(means, reverse=True)
    assert means[-1] < 0.8 * means[0]
    seen(run, look, IDS[:4])
    assert look.steps == 2 * list(STEPS), "another text is another question"


def damage(file: Path, values: dict[str, Any]) -> None:
    file.write_text(file.read_text()[:-20])


def outdate(file: Path, values: dict[str, Any]) -> None:
    file.write_text(json.dumps({**values, "format": 0}))


def make_foreign(file: Path, values: dict[str, Any]) -> None:
    file.write_text(json.dumps({**values, "question": heads_question("float32")}))


def misshape(file: Path, values: dict[str, Any]) -> None:
    file.write_text(json.dumps({**values, "steps": {"4": {"manifest": "", "rows": 3}}}))


@pytest.mark.parametrize("spoil", [damage, outdate, make_foreign, misshape])
def test_a_file_that_cannot_be_used_is_made_again(run: Path, spoil: Callable[[Path, dict[str, Any]], None]) -> None:
    look = Looks()
    first = seen(run, look)
    (file,) = (run / "inspection").iterdir()
    good = file.read_text()
    spoil(file, json.loads(good))
    assert seen(run, look) == first
    assert look.steps == 2 * list(STEPS)
    assert json.loads(file.read_text()) == json.loads(good)


def test_a_checkpoint_that_was_written_anew_is_read_anew(run: Path) -> None:
    look = Looks()
    first = seen(run, look)
    newest = checkpoints(run)[-1].path
    shutil.rmtree(newest)
    shutil.copytree(checkpoints(run)[0].path, newest)
    again = seen(run, look)
    assert look.steps == [*STEPS, STEPS[-1]]
    assert again[-1].rows == first[0].rows


def test_a_checkpoint_that_is_deleted_meanwhile_is_left_out_and_named(run: Path) -> None:
    looks = Looks()

    def look(checkpoint: CheckpointInfo) -> list[Any]:
        if checkpoint.step == STEPS[0]:
            shutil.rmtree(run / "checkpoints" / f"step-{STEPS[1]:08}")
        return looks(checkpoint)

    found = seen(run, look)
    assert [one.step for one in found if one.rows is not None] == [STEPS[0], STEPS[2]]
    assert missing_sentence(found) == "The checkpoint of step 8 was deleted before it was read."
    assert missing_sentence([AtStep(4, None), AtStep(8, None)]).startswith("The checkpoints of steps 4, 8 were deleted")


def test_a_run_that_is_deleted_meanwhile_ends_it_in_a_sentence(run: Path) -> None:
    looks = Looks()

    def look(checkpoint: CheckpointInfo) -> list[Any]:
        if checkpoint.step == STEPS[1]:
            shutil.rmtree(run)
        return looks(checkpoint)

    with pytest.raises(UserError, match="The run “copy” was deleted while its checkpoints were read"):
        seen(run, look)
    assert not run.exists()


def test_a_damaged_checkpoint_is_named_by_what_is_wrong(run: Path) -> None:
    weights = checkpoints(run)[1].path / "model.safetensors"
    weights.write_bytes(bytes(weights.stat().st_size))
    with pytest.raises(UserError):
        seen(run, Looks())
    cache = InspectionCache(run, surprisal_question(IDS, "float32"))
    assert cache.get(checkpoints(run)[0]) is not None, "what was read before is kept"


def test_given_up_it_ends_before_the_next_block(run: Path) -> None:
    with pytest.raises(Interrupted):
        look_into(checkpoints(run)[0], "heads", (), "cpu", lambda: True)


def test_the_files_of_a_run_do_not_grow_without_end(run: Path) -> None:
    newest = checkpoints(run)[-1]
    for number in range(70):
        InspectionCache(run, surprisal_question([number], "float32")).put(newest, manifest_hash(newest), [])
    assert len(list((run / "inspection").iterdir())) == 64
    assert InspectionCache(run, surprisal_question([69], "float32")).get(newest) == []


def test_a_run_that_cannot_be_written_is_read_all_the_same(run: Path) -> None:
    (run / "inspection").write_text("a file is in the way")
    assert [one.step for one in seen(run, Looks())] == list(STEPS)


def test_only_checkpoints_have_a_run(run: Path) -> None:
    assert run_of(checkpoints(run)[0].path) == run
    assert run_of(run) is None
    assert run_of(run / "checkpoints" / ".tmp-step-4") is None


@pytest.mark.parametrize("view", ["surprisal", "heads"])
def test_the_command_line_keeps_its_answers_where_the_window_does(
    run: Path, view: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["inspect", TEXT, "--view", view, "--run", str(run), "--json", "--device", "cpu"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    rows = [json.loads(line) for line in printed.splitlines()]
    question = heads_question("float32") if view == "heads" else surprisal_question(IDS, "float32")
    cache = InspectionCache(run, question)
    assert rows == [
        {"step": one.step, **row} for one in checkpoints(run) for row in cache.get(one) or pytest.fail("not kept")
    ]
    for one in checkpoints(run):
        weights = one.path / "model.safetensors"
        weights.write_bytes(bytes(weights.stat().st_size))  # it is not read again
    assert main(arguments) == 0
    assert capsys.readouterr().out == printed
