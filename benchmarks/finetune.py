"""Fine-tuning the bundled model against training one of the same shape from scratch, on the same text and tokens.

    python -m benchmarks.finetune TEXT --work FOLDER [--picture PNG]

Prints the validation losses side by side, and draws both curves.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from gptdesk.resource_files import resource
from trainer.run_directory.events import EventTail

SETTINGS = [
    "--data.batch_size=12", "--data.micro_batch_size=12", "--optim.learning_rate=1e-3", "--schedule.steps=200",
    "--schedule.warmup_steps=20", "--run.eval_interval=20", "--run.checkpoint_interval=200", "--run.log_interval=20",
]  # fmt: skip
"""The same for both: 200 steps of 6,144 tokens."""

SHAPE = [
    "--model.n_layer=8", "--model.n_head=6", "--model.n_embd=192", "--model.n_positions=512", "--model.bias=false",
]  # fmt: skip
"""That of the bundled model."""

Curve = list[tuple[int, float]]


def trainer(*arguments: str) -> None:
    """Runs one command of the trainer and stops when it fails."""
    subprocess.run([sys.executable, "-m", "trainer", *arguments], check=True)


def validation_curve(run: Path) -> Curve:
    """(step, validation loss in nats a token) of every evaluation of a run."""
    return [(event["step"], event["val_loss"]) for event in EventTail(run).read() if event["ev"] == "eval"]


def draw(curves: dict[str, Curve], path: Path) -> None:
    """Draws validation losses over steps as a PNG."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_SCALE_FACTOR", "2")
    import pyqtgraph as pg

    pg.mkQApp()
    pg.setConfigOptions(antialias=True, background="#FFFFFF", foreground="#667085")
    plot = pg.plot()
    plot.resize(760, 400)
    plot.addLegend(offset=(-20, 20), labelTextColor="#1A1D21", labelTextSize="10pt")
    plot.setLabels(left="validation loss, nats a token", bottom="step, 6,144 tokens each")
    plot.showGrid(y=True, alpha=0.15)
    plot.getPlotItem().layout.setContentsMargins(4, 12, 24, 4)
    for (name, curve), colour in zip(curves.items(), ("#2F6FED", "#B54708"), strict=True):
        steps, losses = zip(*curve, strict=True)
        pen = pg.mkPen(colour, width=2)
        plot.plot(steps, losses, name=name, pen=pen, symbol="o", symbolSize=6, symbolBrush=colour, symbolPen=None)
    pg.QtWidgets.QApplication.processEvents()
    plot.grab().save(str(path))


def main() -> None:
    """Prepares the text, trains both models unless their runs are there, and shows how they did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="a text file, such as tiny Shakespeare")
    parser.add_argument("--work", type=Path, required=True, help="folder for the data and both runs")
    parser.add_argument("--picture", type=Path, help="PNG to draw the curves into")
    args = parser.parse_args()
    data = args.work / "data"
    if not data.exists():
        # One text without separators is one document: its last tenth is held out.
        text = args.text.read_text(encoding="utf-8")
        args.work.mkdir(parents=True, exist_ok=True)
        cut = text.rindex("\n\n", 0, len(text) * 9 // 10)
        for name, part in (("train", text[:cut]), ("val", text[cut:])):
            (args.work / f"{name}.txt").write_text(part, encoding="utf-8")
        trainer(
            *("prepare", str(args.work / "train.txt"), "--val", str(args.work / "val.txt"), "--out", str(data)),
            *("--tokenizer", str(resource("models", "stories"))),
        )
    start = f"--model.init_from={resource('models', 'stories')}"
    runs = {"fine-tuned from the bundled model": [start], "from scratch": SHAPE}
    curves: dict[str, Curve] = {}
    for number, (name, settings) in enumerate(runs.items()):
        run = args.work / f"run-{number}"
        if not run.exists():
            trainer("train", "--data", str(data), "--out", str(run), *SETTINGS, *settings)
        curves[name] = validation_curve(run)
    for name, curve in curves.items():
        print(f"{name}: " + ", ".join(f"{loss:.3f} at {step}" for step, loss in curve))
    if args.picture:
        draw(curves, args.picture)


if __name__ == "__main__":
    main()
