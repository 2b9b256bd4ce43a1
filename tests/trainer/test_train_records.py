"""Training on records: packed whole, with their template beside every checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gptdesk.gpt2.chat_template import ALPACA, PLAIN, Turn
from gptdesk.gpt2.tokenizer_files import TOKENIZER_CONFIG, read_chat_format
from trainer.checkpoint import MANIFEST, newest_checkpoint
from trainer.config.schema import TrainConfig
from trainer.loop import Trainer
from trainer.parallel.distributed import ProcessGroup
from trainer.prepare import Request, prepare
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import CHECKPOINTS
from trainer.session import run_training

MakeConfig = Callable[..., TrainConfig]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def prepared(folder: Path, records: list[dict[str, Any]], **settings: Any) -> Path:
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    prepare(Request(sources=(str(folder / "a.jsonl"),), validation_share=0.2, **settings), folder / "out")
    return folder / "out"


def conversations(count: int = 60) -> list[dict[str, Any]]:
    return [
        {"messages": [{"role": "user", "content": f"Say {i}."}, {"role": "assistant", "content": f"{i} it is."}]}
        for i in range(count)
    ]


def train(config: TrainConfig) -> list[str]:
    said: list[str] = []
    assert run_training(config, ALONE, log=said.append) == "finished"
    return said


def checkpoint_of(config: TrainConfig) -> Path:
    found = newest_checkpoint(Path(config.run.folder) / CHECKPOINTS)
    assert found is not None
    assert {TOKENIZER_CONFIG} <= json.loads((found / MANIFEST).read_text()).keys(), "its hash is kept"
    return found


def test_a_checkpoint_brings_the_template_and_a_run_from_it_keeps_that(make_config: MakeConfig, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    data = prepared(tmp_path / "chats", conversations(), template="alpaca")
    first = make_config(data={"path": str(data)}, run={"folder": str(tmp_path / "first")})
    train(first)
    assert read_chat_format(checkpoint_of(first)) == (ALPACA.jinja, ALPACA.stop_strings)
    turns = [Turn("user", "Say 1."), Turn("assistant", "1 it is."), Turn("user", "Say 2.")]
    rendered = AutoTokenizer.from_pretrained(checkpoint_of(first)).apply_chat_template(
        [turn._asdict() for turn in turns], tokenize=False, add_generation_prompt=True
    )
    assert rendered == ALPACA.render(turns, add_generation_prompt=True)

    pairs = prepared(tmp_path / "pairs", [{"prompt": f"{i}?", "completion": f" {i}"} for i in range(60)])
    second = make_config(
        model={"init_from": str(checkpoint_of(first))},
        data={"path": str(pairs)},
        run={"folder": str(tmp_path / "second")},
    )
    train(second)
    assert read_chat_format(checkpoint_of(second)) == read_chat_format(checkpoint_of(first)), "the data has none"

    plain = prepared(tmp_path / "plain", conversations())
    third = make_config(
        model={"init_from": str(checkpoint_of(first))},
        data={"path": str(plain)},
        run={"folder": str(tmp_path / "third")},
    )
    train(third)
    assert read_chat_format(checkpoint_of(third)) == (PLAIN.jinja, PLAIN.stop_strings), "the data's goes first"


def test_records_that_are_too_long_are_counted_and_said(make_config: MakeConfig, tmp_path: Path) -> None:
    records = [{"prompt": "a " * 3, "completion": f"b {i}"} for i in range(40)]
    long = [{"prompt": "a " * 30, "completion": "b"}] * 8
    config = make_config(data={"path": str(prepared(tmp_path / "data", records + long))})
    said = [line for line in train(config) if "longer than the context" in line]
    cut = [event["cut_records"] for event in EventTail(Path(config.run.folder)).read() if event["ev"] == "start"]
    assert len(said) == 1
    assert said[0].startswith(f"{cut[0]} records")
    assert 0 < cut[0] <= 8


def test_going_on_with_records_equals_never_having_stopped(make_config: MakeConfig, tmp_path: Path) -> None:
    data = {"path": str(prepared(tmp_path / "data", conversations(20)))}
    whole, first, second = (Trainer(make_config(data=data), ALONE) for _ in range(3))
    losses = [whole.step()[0] for _ in range(6)]
    assert [first.step()[0] for _ in range(3)] == losses[:3]
    second.model.load_state_dict(first.model.state_dict())
    second.optimizers.load_state_tensors(first.optimizers.state_tensors(keep=True))
    second.state = first.state
    assert [second.step()[0] for _ in range(3)] == losses[3:]


def test_the_validation_loss_is_that_of_whole_records(make_config: MakeConfig, tmp_path: Path) -> None:
    """Against each record scored by itself: untrained, with the same first token, no neighbour in sight."""
    data = prepared(tmp_path / "data", [{"prompt": "One two three", "completion": " four five"}] * 30)
    config = make_config(data={"path": str(data)}, model={"n_positions": 6})
    trainer = Trainer(config, ALONE)
    loss, count, _ = trainer.evaluate(limit=None)
    documents = trainer.data.document_starts("val").size
    assert count == 3 * documents, "two tokens and the end of each"
    trainer.model.eval()
    ids = torch.tensor([[50256, *trainer.data.val.read(0, 6).tolist()]])
    with torch.no_grad():
        scores = torch.log_softmax(trainer.model(ids[:, :-1]), -1)[0]
    alone = -torch.stack([scores[i, ids[0, i + 1]] for i in (3, 4, 5)]).mean()
    assert loss == pytest.approx(alone.item(), rel=1e-5)
