import json
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from trainer.cli import main
from trainer.config.reference import reference_page, to_toml
from trainer.config.schema import OptimSection, TrainConfig, build_config
from trainer.config.values import merge, parse_flags, preset_names, read_preset, read_toml


def test_flags_are_read_as_toml_and_else_as_text() -> None:
    values = parse_flags(["--schedule.steps", "50", "--optim.betas=[0.8, 0.9]", "--model.init_from", "some/folder"])
    config = build_config(merge(values, {"schedule": {"warmup_steps": 3}}))
    assert config.schedule.steps == 50
    assert config.schedule.warmup_steps == 3
    assert config.optim.betas == (0.8, 0.9)
    assert config.model.init_from == "some/folder"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"optim": {"learning_rate": -1}}, "optim.learning_rate: input should be greater than 0, not -1"),
        ({"optim": {"learning_rat": 1}}, "no setting optim.learning_rat"),
        ({"colour": {}}, "no setting colour"),
        ({"schedule": {"steps": 5, "warmup_steps": 5}}, "schedule: warmup_steps (5) must be below steps (5)"),
        ({"data": {"batch_size": 6, "micro_batch_size": 4}}, "must be a multiple of micro_batch_size"),
        ({"model": {"n_head": 5}}, "must be a multiple of n_head"),
        ({"model": {"lora_rank": 4}}, "lora_rank needs a model to adapt"),
        ({"run": {"device": "abacus"}}, "run.device"),
        ({"optim": {"eps": float("nan")}}, "optim.eps"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(values: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as caught:
        build_config(values)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flags", [["steps"], ["--steps", "5"], ["--schedule.steps"], ["--.steps", "5"]])
def test_flags_of_another_form_are_refused(flags: list[str]) -> None:
    with pytest.raises(UserError):
        parse_flags(flags)


def test_every_preset_is_a_valid_configuration() -> None:
    expected = {
        "gpt2-124m",
        "gpt2-355m",
        "gpt2-774m",
        "gpt2-1558m",
        "finetune-gpt2",
        "story-10m",
        "story-second",
        "smoke",
    }
    assert set(preset_names()) == expected
    sizes = {name: build_config(read_preset(name)).model.gpt2_config().num_parameters() for name in preset_names()}
    assert sizes["gpt2-124m"] == 124_439_808
    assert sizes["gpt2-355m"] == 354_823_168
    assert sizes["gpt2-774m"] == 774_030_080
    assert sizes["gpt2-1558m"] == 1_557_611_200


def test_texts_survive_a_toml_file(tmp_path: Path) -> None:
    prompts = ["ein Märchen 🐉", 'quote " and \\ and \n', "delete \x7f, bell \a"]
    config = build_config({"run": {"sample_prompts": prompts}})
    file = tmp_path / "run.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    assert build_config(read_toml(file)) == config


def test_a_configuration_survives_its_toml_file(tmp_path: Path) -> None:
    config = build_config(merge(read_preset("story-10m"), {"run": {"sample_prompts": ['"Ah," said\nshe, \\', "é"]}}))
    file = tmp_path / "run.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    assert build_config(read_toml(file)) == config


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("steps = = 5")
    with pytest.raises(UserError, match="is not TOML"):
        read_toml(tmp_path / "bad.toml")


def test_the_reference_page_is_what_the_configuration_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "CONFIG.md"
    assert page.read_text(encoding="utf-8") == reference_page(), "python -m trainer config --reference > docs/CONFIG.md"


def test_help_of_a_setting_that_optimizers_share_names_no_optimizer_as_its_owner() -> None:
    for name, field in OptimSection.model_fields.items():
        if name != "optimizer" and not name.startswith("muon_"):
            assert "AdamW" not in (field.description or ""), name


def test_the_schema_describes_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--json-schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    for section in TrainConfig.model_fields:
        for name, field in schema["$defs"][f"{section.capitalize()}Section"]["properties"].items():
            assert field.get("description"), f"{section}.{name} explains nothing"


def test_mistakes_on_the_command_line_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "nothing"]) == 2
    assert "There is no preset 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("steps", ["1" + "0" * 400, "9" * 5_000, "0x" + "f" * 9_000, str(2**60), "[" * 10_000])
def test_a_number_beyond_all_runs_is_one_short_sentence(tmp_path: Path, steps: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(f"[schedule]\nsteps = {steps}\n")
    for build in (
        lambda: build_config(read_toml(file)),
        lambda: build_config(parse_flags(["--schedule.steps", steps])),
    ):
        with pytest.raises(UserError) as caught:
            build()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value).replace(str(file), "")) < 300
