"""The draft of a run: a preset, the choices, and what gives way to them."""

from pathlib import Path

from gptdesk.ui.train.new_run.draft.draft import TUNING_PRESET, Base, Draft
from gptdesk.ui.train.new_run.draft.shapes import SHAPES, count_parameters
from gptdesk.ui.train.new_run.draft.tasks import run_folder
from trainer.config.schema import ModelSection, build_config


def test_the_slider_counts_as_the_model_does() -> None:
    for shape in SHAPES:
        section = ModelSection(n_layer=shape.n_layer, n_head=shape.n_head, n_embd=shape.n_embd)
        assert count_parameters(section.model_dump(), shape) == section.gpt2_config().num_parameters()


def test_another_preset_keeps_data_and_start_and_forgets_the_rest() -> None:
    draft = Draft()
    draft.choose_data("/data", "tales", 10**9)
    draft.start_from(Base("gpt2", "/models/gpt2", 1024))
    draft.set("optim.learning_rate", 1.0)
    assert draft.preset == TUNING_PRESET
    draft.choose_preset("smoke")
    assert (draft.get("data.path"), draft.get("model.init_from")) == ("/data", "/models/gpt2")
    assert draft.get("optim.learning_rate") == 3e-3


def test_a_preset_that_the_person_chose_is_not_taken_away() -> None:
    draft = Draft()
    draft.choose_preset("smoke")
    draft.start_from(Base("gpt2", "/models/gpt2", 1024))
    assert draft.preset == "smoke"


def test_a_small_text_is_not_read_a_hundred_times_unless_asked() -> None:
    draft = Draft()
    draft.choose_data("/data", "tales", 300_000)
    steps = draft.get("schedule.steps")
    assert steps == 980 < 2400  # 20 readings of 300,000 tokens by steps of 6,144
    assert draft.get("schedule.warmup_steps") < steps
    draft.set("schedule.steps", 2400)
    assert draft.get("schedule.steps") == 2400
    assert build_config(draft.values())


def test_a_presets_settings_give_way_to_what_was_chosen_and_to_the_data() -> None:
    draft = Draft()
    draft.set("schedule.steps", 10)
    assert draft.get("schedule.warmup_steps") == 1
    assert "schedule.warmup_steps is 1 instead of 100: a tenth of the 10 steps." in draft.notes
    draft.set("schedule.warmup_steps", 9)
    assert draft.get("schedule.warmup_steps") == 9, "what was chosen stays"
    draft.choose_data("/data", "list", 300)
    assert draft.get("model.n_positions") == 64
    assert build_config(draft.values())
    draft.start_from(Base("gpt2", "/models/gpt2", 1024))
    assert draft.get("schedule.early_stop_evaluations") == 4
    assert draft.know_data(300, 0)
    assert not draft.know_data(300, 0)
    assert draft.get("schedule.early_stop_evaluations") == 0


def test_a_home_that_is_nobodys_is_a_folder_like_any_other(tmp_path: Path) -> None:
    assert run_folder({"run": {"folder": "~nobody-at-all/x"}}, tmp_path, "x") == Path("~nobody-at-all/x")
