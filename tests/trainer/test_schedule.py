import pytest

from trainer.config.schema import ScheduleSection
from trainer.schedule import learning_rate_share


def shares(**settings: object) -> list[float]:
    schedule = ScheduleSection.model_validate({"steps": 100, "warmup_steps": 10, **settings})
    return [learning_rate_share(step, schedule) for step in range(100)]


@pytest.mark.parametrize("kind", ["cosine", "wsd", "linear", "constant"])
def test_warm_up_climbs_evenly_and_reaches_the_peak_in_its_last_step(kind: str) -> None:
    assert shares(kind=kind)[:10] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@pytest.mark.parametrize("kind", ["cosine", "wsd", "linear"])
def test_the_last_step_has_the_minimum_learning_rate(kind: str) -> None:
    after = shares(kind=kind, min_lr_ratio=0.1)[10:]
    assert after[0] == pytest.approx(1.0)
    assert after[-1] == pytest.approx(0.1)
    assert after == sorted(after, reverse=True)


def test_cosine_is_half_way_down_in_the_middle() -> None:
    assert shares(kind="cosine", warmup_steps=1, min_lr_ratio=0.0)[50] == pytest.approx(0.5, abs=0.01)


def test_wsd_holds_until_its_decay_begins() -> None:
    after = shares(kind="wsd", decay_ratio=0.5, min_lr_ratio=0.0)
    assert after[10:51] == [1.0] * 41
    assert after[75] == pytest.approx(0.49, abs=0.01)


def test_constant_stays() -> None:
    assert shares(kind="constant")[10:] == [1.0] * 90


def test_going_on_midway_needs_the_step_alone() -> None:
    schedule = ScheduleSection(steps=100, warmup_steps=10)
    assert learning_rate_share(57, schedule) == shares()[57]
