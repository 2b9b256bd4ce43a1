"""The table of metrics: what is added there is recorded, read, drawn, exported, spoken and documented."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gptdesk import metrics
from tests.trainer.conftest import data_folder, make_config
from trainer.config.reference import to_toml
from trainer.config.schema import TrainConfig
from trainer.measures import MEASURES

__all__ = ["data_folder", "make_config"]

ROOT = Path(__file__).parents[1]

PROGRAM = """if True:
    import json, sys
    from pathlib import Path
    from gptdesk import metrics

    made_up = metrics.Metric(
        key="weight_norm", title="Weight norm", description="Size of all weights.", format="digits", from_zero=True
    )
    metrics.METRICS += (made_up,)
    from trainer.measures import MEASURES
    MEASURES["weight_norm"] = lambda step: sum(float(w.detach().abs().sum()) for w in step.trainer.model.parameters())
    from trainer.cli import main
    folder = Path(sys.argv[2])
    assert main(["train", "--config", sys.argv[1]]) == 0
    assert main(["info", str(folder)]) == 0

    from PySide6.QtWidgets import QApplication
    app = QApplication([])
    from benchmarks.redraw import chart_panel
    from gptdesk.training.history.history import RunHistory
    from gptdesk.ui.number_format import use_readable_locale
    from gptdesk.ui.theme import Theme
    from gptdesk.ui.train.charts.export.table import write_csv
    from gptdesk.ui.train.charts.chart.narrator import shown
    from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
    use_readable_locale()
    history, theme = RunHistory(folder), Theme(app, "light")
    history.update()
    panel = chart_panel(theme, ChartSettings(), Path(sys.argv[3]))
    panel.resize(760, 620)
    panel.show_runs([PlottedRun("one", history)])
    panel.show()
    app.processEvents()
    card = panel.small[0]
    (added,) = [action for action in card.title.menu().actions() if action.text() == "Weight norm"]
    added.trigger()
    app.processEvents()
    card.chart.draw()
    image = card.chart.grab().toImage()
    write_csv(panel.runs, [chart.quantity.key for chart in panel.charts()], folder / "charts.csv")
    print(json.dumps({
        "read": history.series("weight_norm").value.tolist(),
        "choices": [action.text() for action in card.title.menu().actions()],
        "drawn": theme.colours.accent.lower() in {
            image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
        },
        "title": card.title.text(),
        "beside": card.value.text(),
        "spoken": shown(card.chart),
        "kept": ChartSettings.from_dict(panel.settings.to_dict()).left,
        "page": metrics.reference_page(),
    }))
"""


def test_a_metric_that_is_added_to_the_table_is_recorded_read_drawn_exported_spoken_and_documented(
    make_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    """In a process of its own: tables are read when modules are imported."""
    file = tmp_path / "run.toml"
    config = make_config(schedule={"steps": 4})
    file.write_text(to_toml(config), encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, str(file), config.run.folder, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    found = json.loads(last)
    assert len(found["read"]) == 4
    assert all(value > 0 for value in found["read"])
    assert any(line.split()[:1] == ["weight_norm"] for line in told), "trainer info tells it"
    assert "Weight norm" in found["choices"]
    assert found["drawn"]
    assert found["title"] == "Weight norm"
    assert found["beside"]
    assert found["spoken"].startswith(f"Weight norm {found['beside']} at step 4")
    assert found["kept"] == "weight_norm"
    assert "| Weight norm | `weight_norm` |  | Size of all weights. |" in found["page"]
    header, *rows = (Path(config.run.folder) / "charts.csv").read_text(encoding="utf-8").splitlines()
    column = header.split(",").index("weight_norm")
    assert [float(row.split(",")[column]) for row in rows] == found["read"]


def test_the_page_of_metrics_is_what_the_table_says() -> None:
    page = (ROOT / "docs" / "METRICS.md").read_text(encoding="utf-8")
    assert page == metrics.reference_page(), "python -m trainer config --metrics > docs/METRICS.md"


def test_every_value_has_one_measure_and_one_metric() -> None:
    keys = metrics.value_keys()
    assert len(set(keys)) == len(keys)
    assert MEASURES.keys() == set(keys)
    assert sum(each.primary for each in metrics.METRICS) == 1


@pytest.mark.parametrize("find", [metrics.metric, metrics.metric_of])
def test_a_metric_that_there_is_not_is_an_error(find: Callable[[str], object]) -> None:
    with pytest.raises(KeyError, match="made up"):
        find("made up")
