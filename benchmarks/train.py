"""How fast a training step is: ours against a plain loop around transformers' GPT-2, in one process, taking turns.

    python -m benchmarks.train [--preset story-10m] [--device auto] [--json OUT] [--section.key value ...]

Both train the same shape on the same batches. Ours is the trainer's own step as the preset configures it; the plain
loop is float32, `torch.optim.AdamW` and `GPT2LMHeadModel` as their documentation shows them. They take turns of a few
steps, so that whatever else the machine does falls on both. The compiler's cache is a fresh one, unless
TORCHINDUCTOR_CACHE_DIR is set.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.devices import DEVICES
from gptdesk.errors import UserError
from trainer.config.schema import TrainConfig, build_config
from trainer.config.values import merge, parse_flags, preset_names, read_preset
from trainer.environment import prepare_environment

if TYPE_CHECKING:
    import torch

    from trainer.loop import Trainer

WARM_UP_STEPS: Final = 3
"""Steps before the clock counts: buffers are sized and caches filled in them."""


@dataclass(frozen=True)
class Timing:
    """Medians over the steps of one contender.

    Attributes:
        tokens_per_s: of training text.
        seconds: of a step.
        split: seconds of its parts.
        cpu_seconds: processor time of a step, all threads together; steadier than seconds on a machine with other work.
        mfu: share of the device's peak that the model's arithmetic alone would need, see `Report.mfu_formula`.
        peak_flops: that the share is of, in FLOP/s.
        peak_source: where the peak comes from.
    """

    tokens_per_s: float
    seconds: float
    split: dict[str, float]
    cpu_seconds: float
    mfu: float
    peak_flops: float
    peak_source: str


class PlainLoop:
    """What one writes with transformers and nothing else: float32, AdamW, gradients clipped to norm 1.

    Args:
        config: of ours, whose shape and batch it takes.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel

        from trainer.clock import StepClock

        model = config.model
        shape = GPT2Config(
            n_layer=model.n_layer,
            n_head=model.n_head,
            n_embd=model.n_embd,
            n_positions=model.n_positions,
            resid_pdrop=model.dropout,
            embd_pdrop=model.dropout,
            attn_pdrop=model.dropout,
            use_cache=False,
        )
        self.device = device
        self.model = GPT2LMHeadModel(shape).train()
        self.model.to(device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=config.optim.learning_rate)
        self.clock = StepClock(device)
        self.parts = 1

    def step(self, batch: torch.Tensor) -> None:
        """One step on ``batch``, (B, T) int64 on the CPU; in twice as many parts from when a GPU cannot hold it."""
        import torch

        while True:
            try:
                return self._step(batch)
            except torch.OutOfMemoryError:
                self.optimizer.zero_grad()
                self.parts *= 2
                if self.parts > len(batch):
                    raise

    def _step(self, batch: torch.Tensor) -> None:
        import torch

        self.clock.start()
        parts = batch.to(self.device).chunk(self.parts)
        self.clock.mark("data")
        for ids in parts:
            loss = self.model(input_ids=ids, labels=ids).loss / self.parts
            self.clock.mark("forward")
            loss.backward()
            self.clock.mark("backward")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.clock.mark("optimizer")
        self.clock.stop()
        self.clock.settle()


class Samples:
    """Seconds of each measured step, turn by turn, and processor seconds."""

    def __init__(self) -> None:
        self.turns: list[list[float]] = []
        self.cpu: list[float] = []

    def measure_turn(self, step: Callable[[], object], steps: int) -> None:
        """Times ``steps`` calls, each of which waits for its device."""
        turn = []
        for _ in range(steps):
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            turn.append(time.perf_counter() - wall)
            self.cpu.append(time.process_time() - cpu)
        self.turns.append(turn)

    def seconds(self) -> float:
        """The median step."""
        return median(second for turn in self.turns for second in turn)


def synthetic_data(folder: Path, *, tokens: int) -> Path:
    """A prepared folder of random ids: a step does the same work whatever the text."""
    import numpy as np

    from gptdesk.gpt2.config import VOCAB_SIZE
    from trainer.data.arrays import TOKENS, VERSION, ArrayFile
    from trainer.data.manifest import MANIFEST

    splits = {}
    for name in ("train", "val"):
        file = ArrayFile(folder / f"{name}-00000.bin", TOKENS)
        file.write(np.random.default_rng(0).integers(0, VOCAB_SIZE, tokens).astype(np.uint16))
        shard = {**file.close(tokens), "tokens": tokens, "documents": 1}
        splits[name] = {"documents": 1, "tokens": tokens, "shards": [shard]}
    (folder / MANIFEST).write_text(json.dumps({"version": VERSION, "splits": splits}))
    return folder


def matmul_peak(device: torch.device, precision: torch.dtype) -> tuple[float, str]:
    """FLOP/s that the device can reach, and how we know: from its data sheet, or from large products measured here."""
    import torch

    from trainer.hardware import peak_flops

    name = str(precision).removeprefix("torch.")
    if known := peak_flops(device, precision):
        return known, f"data sheet, {torch.cuda.get_device_name(device)}, dense {name}"
    size, best = 4096, 0.0
    a, b = (torch.randn(size, size, device=device).to(precision) for _ in range(2))
    for _ in range(8):
        began = time.perf_counter()
        (a @ b)[0, 0].item()  # waits for the device
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best, f"best of 8 products of {size} x {size} matrices in {name}, here"


def benchmark(config: TrainConfig, *, turns: int, steps: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measures both contenders and returns everything that the report holds.

    Args:
        config: with data.
        turns: of each.
        steps: in a turn.
        say: is told how far it is.
    """
    import torch

    from trainer.clock import StepClock
    from trainer.hardware import peak_memory, training_device
    from trainer.loop import Trainer
    from trainer.parallel.distributed import ProcessGroup
    from trainer.planning.plan import FLOPS_FORMULA, flops_per_token

    device = training_device(config.run)
    memory_before = peak_memory(device)
    trainer = Trainer(config, ProcessGroup(0, 1, device))
    say("first step, compiling where there is a compiler ...")
    began = time.perf_counter()
    trainer.step()
    first_step = time.perf_counter() - began
    for _ in range(WARM_UP_STEPS):
        trainer.step()
    memory = peak_memory(device)
    plain, batches = PlainLoop(config, device), plain_batches(trainer)
    for _ in range(WARM_UP_STEPS):
        plain.step(next(batches))
    ours, theirs = Samples(), Samples()
    for turn in range(1, turns + 1):
        ours.measure_turn(trainer.step, steps)
        theirs.measure_turn(lambda: plain.step(next(batches)), steps)
        say(
            f"turn {turn} of {turns}: ours {median(ours.turns[-1]):.3f} s a step, transformers "
            f"{median(theirs.turns[-1]):.3f} s"
        )
    tokens = trainer.plan.tokens_per_step
    flops = flops_per_token(trainer.plan.shape, trainer.plan.context_length)

    def timing(samples: Samples, clock: StepClock, precision: torch.dtype) -> dict[str, Any]:
        peak, source = matmul_peak(device, precision)
        speed = tokens / samples.seconds()
        return asdict(
            Timing(
                tokens_per_s=round(speed, 1),
                seconds=round(samples.seconds(), 4),
                split={part: round(seconds, 5) for part, seconds in clock.split().items()},
                cpu_seconds=round(median(samples.cpu), 4),
                mfu=round(speed * flops / peak, 4),
                peak_flops=peak,
                peak_source=source,
            )
        )

    ratios = [median(slow) / median(fast) for fast, slow in zip(ours.turns, theirs.turns, strict=True)]
    return {
        "version": 1,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            **describe_machine("torch", "transformers"),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
            "threads": torch.get_num_threads(),
        },
        "parameters": trainer.model.config.num_parameters(),
        "tokens_per_step": tokens,
        "context_length": trainer.plan.context_length,
        "precision": str(trainer.precision).removeprefix("torch."),
        "compiled": trainer.compiled,
        "first_step_s": round(first_step, 2),
        "peak_memory_bytes": memory,
        "memory_before_bytes": memory_before,
        "mfu_formula": FLOPS_FORMULA,
        "ours": timing(ours, trainer.clock, trainer.precision),
        "plain": {**timing(theirs, plain.clock, torch.float32), "parts": plain.parts},
        "ratio": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "cpu_ratio": round(median(theirs.cpu) / median(ours.cpu), 3),
        "config": config.model_dump(mode="json"),
    }


def plain_batches(trainer: Trainer) -> Iterator[torch.Tensor]:
    """The trainer's own windows from the first on, for the plain loop."""
    from trainer.data.windows import Position

    position, count = Position(), trainer.config.data.batch_size
    while True:
        yield trainer.batches.read(position, count)[0]
        position = trainer.batches.advance(position, count)


def format_report(report: dict[str, Any]) -> str:
    """The report as a table."""
    machine, ours, plain = report["machine"], report["ours"], report["plain"]
    size = f"{report['parameters']:,} parameters, {report['tokens_per_step']:,} tokens a step"
    versions = f"torch {machine['torch']}, transformers {machine['transformers']}"
    how = "compiled" if report["compiled"] else "eager"
    turns = ", ".join(f"{ratio:.2f}" for ratio in report["ratios"])
    mebibytes, before = report["peak_memory_bytes"] / 2**20, report["memory_before_bytes"] / 2**20
    rows = [["", "tok/s", "ms/step", "data", "forward", "backward", "optimizer", "MFU"]]
    for name, timing in ((f"ours, {report['precision']}, {how}", ours), ("transformers, float32", plain)):
        parts = [f"{timing['split'][part] * 1e3:,.1f}" for part in ("data", "forward", "backward", "optimizer")]
        speed, step = f"{timing['tokens_per_s']:,.0f}", f"{timing['seconds'] * 1e3:,.0f}"
        rows.append([name, speed, step, *parts, f"{timing['mfu']:.1%}"])
    lines = [f"{size}, context {report['context_length']:,}"]
    lines += [f"{machine['device']}, {machine['processor']}, {machine['threads']} threads, {versions}", ""]
    lines += [f"{row[0]:24}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows]
    lines += ["", f"ratio {report['ratio']:.2f} (by turns: {turns}); by processor time {report['cpu_ratio']:.2f}"]
    lines += [
        f"first step {report['first_step_s']:.1f} s; peak memory {mebibytes:,.0f} MiB, {before:,.0f} before the model"
    ]
    lines += [f"MFU: {report['mfu_formula']}; peaks:"]
    for name, timing in (("ours", ours), ("transformers", plain)):
        lines.append(f"  {name}: {timing['peak_flops'] / 1e12:.2f} TFLOP/s ({timing['peak_source']})")
    return "\n".join(lines)


def main() -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--preset", choices=preset_names(), default="story-10m")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--turns", type=int, default=5, help="of each contender (5)")
    parser.add_argument("--steps", type=int, default=4, help="in a turn (4)")
    args, flags = parser.parse_known_args()
    try:
        values = merge(merge(read_preset(args.preset), {"run": {"device": args.device}}), parse_flags(flags))
        with tempfile.TemporaryDirectory() as folder:
            os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(folder, "compiled")))
            prepare_environment()
            batch = values["data"]["micro_batch_size"]  # one a step: accumulation would repeat the same work
            config = build_config(merge(values, {"data": {"batch_size": batch, "path": folder}}))
            length = config.data.context_length or config.model.n_positions
            synthetic_data(Path(folder), tokens=64 * batch * length)
            report = benchmark(
                config, turns=args.turns, steps=args.steps, say=lambda text: print(text, file=sys.stderr, flush=True)
            )
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    hand_over(report, format_report(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
