"""Settings under the names that earlier versions gave them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.folders import Folders
from gptdesk.training.data.data_scanner import DataScanner
from gptdesk.training.index import RunIndex
from gptdesk.training.run_scanner import RunScanner, Selection
from trainer.cli import main
from trainer.config import former_names
from trainer.config.former_names import FORMER_NAMES
from trainer.config.reference import reference_page
from trainer.config.schema import TrainConfig, build_config
from trainer.config.values import merge, parse_flags, read_toml
from trainer.hardware import training_device
from trainer.parallel.distributed import ProcessGroup
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import read_config
from trainer.session import run_training

ALONE = ProcessGroup(0, 1, torch.device("cpu"))
RENAMED = [(section, former, name) for section, names in FORMER_NAMES.items() for former, name in names.items()]
VALUES: dict[str, Any] = {"init_from": "folder"}

FORMER_RUN = json.loads((Path(__file__).parent / "files" / "run-with-former-names.json").read_text())
"""``config`` and ``given`` as the version before the present names wrote them."""


@pytest.mark.parametrize(("section", "former", "name"), RENAMED)
def test_a_former_name_means_the_present_one(tmp_path: Path, section: str, former: str, name: str) -> None:
    value = VALUES.get(name, 1)
    rest = {"data": {"micro_batch_size": 1}} if name == "batch_size" else {}
    file = tmp_path / "run.toml"
    file.write_text(f"[{section}]\n{former} = {json.dumps(value)}\n")
    expected = build_config(merge(rest, {section: {name: value}}))
    given = (read_toml(file), parse_flags([f"--{section}.{former}={value}"]), {section: {former: value}})
    assert [build_config(merge(rest, values)) for values in given] == [expected] * 3
    assert former not in expected.model_dump()[section]


@pytest.mark.parametrize(("section", "former", "name"), RENAMED)
def test_a_setting_under_both_names_is_refused_with_both_named(
    tmp_path: Path, section: str, former: str, name: str
) -> None:
    value = VALUES.get(name, 1)
    both = {section: {former: value, name: value}}
    file = tmp_path / "run.toml"
    file.write_text("\n".join((f"[{section}]", *(f"{key} = {json.dumps(value)}" for key in both[section]))))
    write_json(tmp_path / "run.json", {"format": 1, "id": "a", "t": 1.0, "config": both})
    flags = [f"--{section}.{key}={value}" for key in both[section]]
    for read in (
        lambda: read_toml(file),
        lambda: parse_flags(flags),
        lambda: build_config(both),
        lambda: read_config(tmp_path),
    ):
        with pytest.raises(UserError) as refused:
            read()
        assert f"{name} and {former} are one setting" in str(refused.value)
        assert str(refused.value).endswith(f"leave out {former}.")


def test_a_flag_overrides_a_file_whichever_names_they_use(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[data]\nsequences_per_step = 6\nmicro_batch_size = 2\n")
    values = merge(read_toml(file), parse_flags(["--data.batch_size", "4", "--data.micro_batch", "1"]))
    data = build_config(values).data
    assert (data.batch_size, data.micro_batch_size) == (4, 1)


def test_a_name_that_is_added_to_the_table_is_read_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(former_names, "FORMER_NAMES", {"optim": {"largest_norm": "grad_clip"}})
    file = tmp_path / "run.toml"
    file.write_text("[optim]\nlargest_norm = 3\n")
    for values in (read_toml(file), parse_flags(["--optim.largest_norm=3"]), {"optim": {"largest_norm": 3}}):
        assert build_config(values).optim.grad_clip == 3
    assert "`optim.largest_norm`: now `optim.grad_clip`" in reference_page()
    write_json(tmp_path / "run.json", {"format": 1, "id": "a", "t": 1.0, "config": {"optim": {"largest_norm": 3}}})
    assert read_config(tmp_path) == {"optim": {"grad_clip": 3}}


def with_former_names(config: TrainConfig) -> None:
    """Makes a run's files those that the version before wrote."""
    former = merge(FORMER_RUN["config"], {"data": {"path": config.data.path}, "run": {"folder": config.run.folder}})
    folder = Path(config.run.folder)
    described = read_json(folder / "run.json")
    write_json(folder / "run.json", {**(described or {}), "config": former, "given": FORMER_RUN["given"]})
    write_json(folder / "config.json", former)


def test_a_run_of_a_former_version_is_resumed_exactly(
    make_config: Callable[..., TrainConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = {"kind": "wsd", "decay_ratio": 0.5, "min_lr_ratio": 0.25}
    whole, stopped = (
        make_config(data={"micro_batch_size": 2}, schedule=schedule, run={"folder": str(tmp_path / name)})
        for name in ("whole", "stopped")
    )
    training_device(whole.run)  # as many threads as a run by the command has: sums depend on that
    assert run_training(whole, ALONE, log=lambda _: None) == "finished"
    requests = ["stop"]

    def stop_at_once(_line: str) -> None:
        while requests:
            send_request(Path(stopped.run.folder), requests.pop())

    assert run_training(stopped, ALONE, log=stop_at_once) == "stopped"
    with_former_names(stopped)
    assert main(["resume", stopped.run.folder, "--data.micro_batch", "3"]) == 2
    assert "batch_size (4) must be a multiple of micro_batch_size (3)" in capsys.readouterr().err, "it was given"
    assert main(["resume", stopped.run.folder]) == 0
    ours, theirs = (
        load_file(Path(config.run.folder) / "checkpoints" / "step-00000008" / "model.safetensors")
        for config in (stopped, whole)
    )
    assert all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
    assert read_json(Path(stopped.run.folder) / "config.json") == stopped.model_dump(mode="json")


def test_the_window_shows_runs_of_both_versions_with_the_same_names(
    make_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    folders = Folders.under(tmp_path)
    old, new = folders.runs / "old", folders.runs / "new"
    for folder, config in ((old, FORMER_RUN["config"]), (new, make_config().model_dump(mode="json"))):
        folder.mkdir(parents=True)
        write_json(folder / "run.json", {"format": 1, "id": folder.name, "t": 1.0, "config": config})
    scanner = RunScanner(RunIndex(tmp_path / "runs.json", folders.runs), DataScanner(folders))
    configs = scanner.scan(Selection(current=old, pinned=(new,))).configs
    assert {name: part.keys() for name, part in configs[old].items()} == {
        name: part.keys() for name, part in configs[new].items()
    }
