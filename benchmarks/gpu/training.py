"""The training step on a GPU: tokens/s, share of the peak (MFU), memory, and where the time goes by torch's profiler.

Every case is a whole `Trainer` on random tokens, one micro-batch a step: accumulating repeats the same work. Steps are
launched as a run launches them, without waiting for their values. If the micro-batch does not fit, it is halved.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.gpu.aims import LEAST_MFU, TRAINING
from benchmarks.gpu.options import TINY, Options, Report, device_of
from benchmarks.train import synthetic_data
from trainer.config.schema import TrainConfig, build_config
from trainer.config.values import merge, read_preset

if TYPE_CHECKING:
    import torch

    from trainer.loop import Trainer

_TURNS, _STEPS, _PROFILED = 3, 8, 2


@dataclass(frozen=True)
class Case:
    """One way to train.

    Attributes:
        name: for the table.
        preset: settings to begin with.
        over: settings over those.
        chunked_loss: as `GPT2.chunked_loss`.
        cudnn: whether attention is cuDNN's instead of the flash kernel that torch prefers.
        profiled: whether to tell where the time goes.
    """

    name: str
    preset: str = "gpt2-124m"
    over: dict[str, Any] = field(default_factory=dict)
    chunked_loss: bool | None = None
    cudnn: bool = False
    profiled: bool = False


_ADAMW = {"optim": {"optimizer": "adamw"}}

CASES: Final[dict[str, tuple[Case, ...]]] = {
    "training": (Case("124M as configured", profiled=True),),
    "cudnn": (Case("124M, attention by cuDNN", cudnn=True),),
    "whole-logits": (Case("124M, all logits at once", chunked_loss=False),),
    "graphs": (
        Case("story-10m with AdamW, compiled", "story-10m", _ADAMW),
        Case("story-10m with AdamW, CUDA graphs", "story-10m", merge(_ADAMW, {"run": {"compile": "reduce-overhead"}})),
    ),
    "autotune": (Case("124M, kernels chosen by trial", over={"run": {"compile": "max-autotune"}}),),
}
"""The cases of each section, by its name."""


def measure(section: str, options: Options, report: Report) -> None:
    """Hands over a row for each case of the section, and the profile of one."""
    found: dict[str, Any] = {"rows": []}
    for case in CASES[section]:
        with tempfile.TemporaryDirectory() as folder, _attention(case):
            trainer = _start(case, options, Path(folder))
            trainer.model.chunked_loss = case.chunked_loss
            found["rows"].append(_measure_case(case, trainer, options))
            report(found)
            if case.profiled:
                found["profile"] = _profile(trainer)
                report(found)
            del trainer


def _config(case: Case, options: Options, folder: Path, micro_batch: int | None) -> TrainConfig:
    values = merge(merge(read_preset(case.preset), case.over), {"run": {"device": options.device}})
    size = micro_batch or values["data"]["micro_batch_size"]
    if options.tiny:
        shape = {"n_layer": TINY.n_layer, "n_head": TINY.n_head, "n_embd": TINY.n_embd, "n_positions": 32}
        values, size = merge(values, {"model": shape, "run": {"compile": "off", "threads": 1}}), 2
    batch = {"path": str(folder), "batch_size": size, "micro_batch_size": size}
    return build_config(merge(values, {"data": batch}))


def _start(case: Case, options: Options, folder: Path) -> Trainer:
    """A trainer after its first steps, which compile and fill caches."""
    import torch

    from trainer.environment import prepare_environment
    from trainer.hardware import training_device
    from trainer.loop import Trainer
    from trainer.parallel.distributed import ProcessGroup

    prepare_environment()
    config = _config(case, options, folder, None)
    synthetic_data(folder, tokens=1000 if options.tiny else 4_000_000)
    while True:
        began = time.perf_counter()
        try:
            trainer = Trainer(config, ProcessGroup(0, 1, training_device(config.run)))
            trainer.model.chunked_loss = case.chunked_loss
            trainer.step()
        except torch.OutOfMemoryError:
            size = config.data.micro_batch_size // 2
            if not size:
                raise
            config, trainer = _config(case, options, folder, size), None
            torch.cuda.empty_cache()
            continue
        print(f"{case.name}: first step after {time.perf_counter() - began:.1f} s", flush=True)
        for _ in range(1 if options.tiny else 5):
            trainer.step()
        return trainer


def _attention(case: Case) -> AbstractContextManager[object]:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if not case.cudnn:
        return nullcontext()
    order = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    return sdpa_kernel(order, set_priority=True)


def _measure_case(case: Case, trainer: Trainer, options: Options) -> dict[str, Any]:
    from trainer.hardware import peak_memory
    from trainer.planning.plan import FLOPS_FORMULA, flops_per_token

    turns, steps = (1, 2) if options.tiny else (_TURNS, _STEPS)
    seconds = []
    for _ in range(turns):
        options.wait()
        began = time.perf_counter()
        for _ in range(steps):
            trainer.launch_step()
        launched = time.perf_counter() - began
        trainer.settle()
        options.wait()
        seconds.append((time.perf_counter() - began) / steps)
    tokens, peak = trainer.plan.tokens_per_step, _peak(device_of(options), trainer.precision)
    speed = tokens / median(seconds)
    trainer.clock.settle()
    return {
        "name": case.name,
        "parameters": trainer.model.config.num_parameters(),
        "context": trainer.plan.context_length,
        "micro_batch": trainer.config.data.micro_batch_size,
        "precision": str(trainer.precision).removeprefix("torch."),
        "compiled": trainer.compiled,
        "tokens_per_s": round(speed),
        "ms": round(1000 * median(seconds), 3),
        "launch_ms": round(1000 * launched / steps, 3),
        "split_ms": {part: round(1000 * second, 3) for part, second in trainer.clock.split().items()},
        "mfu": round(speed * flops_per_token(trainer.plan.shape, trainer.plan.context_length) / peak, 4),
        "mfu_formula": FLOPS_FORMULA,
        "peak_flops": peak,
        "memory_bytes": peak_memory(trainer.device),
    }


def _peak(device: torch.device, precision: torch.dtype) -> float:
    """FLOP/s at best: from the data sheet, or of a large product here."""
    from trainer.hardware import measured_flops, peak_flops

    return peak_flops(device, precision) or measured_flops(device, precision)


_GROUPS: Final = (
    ("attention", ("flash", "fmha", "cudnn_generated", "sdpa", "attention")),
    ("optimizer and clipping", ("adam", "multi_tensor", "lpnorm", "foreach")),
    ("matrix products", ("gemm", "nvjet", "cutlass", "matmul", "sm90_xmma", "addmm", "::mm")),
    ("copies", ("memcpy", "memset", "copy")),
)
"""Kinds of kernels, by parts of their names; the first that fits counts. What the compiler made is called triton_..."""


def _profile(trainer: Trainer) -> dict[str, Any]:
    """Where the device's time goes in a few steps: shares by kind, and the kernels that take most."""
    from torch.profiler import ProfilerActivity, profile

    cuda = trainer.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as profiled:
        for _ in range(_PROFILED):
            trainer.launch_step()
        trainer.settle()
    kernels = Counter({
        event.key: event.self_device_time_total if cuda else event.self_cpu_time_total
        for event in profiled.key_averages()
    })  # fmt: skip
    whole = sum(kernels.values()) or 1.0
    kinds: Counter[str] = Counter()
    for name, microseconds in kernels.items():
        kinds[_kind(name)] += microseconds
    return {
        "ms": round(whole / 1000 / _PROFILED, 3),
        "kinds": {kind: round(time / whole, 4) for kind, time in kinds.most_common()},
        "kernels": [{"name": name[:120], "share": round(time / whole, 4)} for name, time in kernels.most_common(15)],
    }


def _kind(name: str) -> str:
    low = name.lower()
    if low.startswith("triton_"):
        return "compiled: norms, activations, loss"
    return next((kind for kind, parts in _GROUPS if any(part in low for part in parts)), "other")


def must_reach(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The share of the peak that 124M should reach."""
    row = values["rows"][0]
    return [TRAINING | {"figure": f"{row['mfu']:.1%}", "reached": row["mfu"] >= LEAST_MFU}]


def as_table(values: dict[str, Any]) -> str:
    """Markdown."""
    lines = ["| | micro-batch | tokens/s | ms a step | to launch it | MFU | GiB |", "| --- |" + " --- |" * 6]
    for row in values["rows"]:
        how = f"{row['precision']}, {'compiled' if row['compiled'] else 'eager'}"
        size, speed = f"{row['micro_batch']} x {row['context']}", f"{row['tokens_per_s']:,}"
        gibibytes = f"{row['memory_bytes'] / 2**30:.1f}"
        cells = (f"{row['name']} ({how})", size, speed, row["ms"], row["launch_ms"], f"{row['mfu']:.1%}", gibibytes)
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    if profile := values.get("profile"):
        lines += ["", f"Where {profile['ms']} ms of a step go, by the profiler:", "", "| | share |", "| --- | --- |"]
        lines += [f"| {kind} | {share:.1%} |" for kind, share in profile["kinds"].items()]
        lines += ["", "| kernel | share |", "| --- | --- |"]
        lines += [f"| `{kernel['name']}` | {kernel['share']:.1%} |" for kernel in profile["kernels"]]
    return "\n".join(lines)
