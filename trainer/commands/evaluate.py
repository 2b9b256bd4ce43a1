"""``trainer eval``: losses, perplexities and published benchmarks of one or more models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gptdesk.devices import DEVICES, TORCH_PRECISIONS, set_thread_environment
from gptdesk.errors import UserError
from trainer.commands import CANCELLED

if TYPE_CHECKING:
    from trainer.evaluation.report import Result
    from trainer.evaluation.run import Evaluation


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "eval",
        help="measure models: validation loss, perplexity, LAMBADA, HellaSwag",
        description="Measures each model and shows the published figures of GPT-2 beside it, each with its protocol.",
    )
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="model folder, checkpoint, run directory (its best checkpoint) or name",
    )
    parser.add_argument("--data", type=Path, metavar="PREPARED", help="validation loss on this prepared folder")
    parser.add_argument("--text", type=Path, metavar="FILE", help="perplexity of this text file")
    parser.add_argument("--context", type=int, help="tokens in a window of --data and --text (the model's context)")
    parser.add_argument("--stride", type=int, help="tokens between windows of --text (half the context)")
    parser.add_argument("--lambada", metavar="FILE|hub", help='LAMBADA: JSON lines with "text", or hub')
    parser.add_argument("--hellaswag", metavar="FILE|hub", help="HellaSwag: JSON lines or parquet as published, or hub")
    parser.add_argument(
        "--hellaswag-protocol",
        choices=("build-nanogpt", "lm-eval"),
        default="build-nanogpt",
        help="how HellaSwag questions are formatted (build-nanogpt)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only N tokens of a text, only the first N questions")
    parser.add_argument("--device", default="auto", help=f"one of {', '.join(DEVICES)}")
    parser.add_argument("--precision", choices=TORCH_PRECISIONS, default="float32", help="of the weights (float32)")
    parser.add_argument("--batch-tokens", type=int, default=4096, help="tokens put through the network at once (4096)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the results to this file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Measures, shows and writes; what an interruption or a mistake leaves measured is shown too."""
    for name in ("limit", "batch_tokens", "context", "stride"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UserError(f"--{name.replace('_', '-')} must be 1 or more, not {value}.")
    if not (args.data or args.text or args.lambada or args.hellaswag):
        raise UserError("Say what to measure: --data, --text, --lambada or --hellaswag.")
    set_thread_environment()
    results: list[Result] = []
    try:
        _evaluation(args, results).measure_all()
    except KeyboardInterrupt:
        print("Cancelled; what was measured until then is shown." if results else "Cancelled.", file=sys.stderr)
        raise SystemExit(CANCELLED) from None
    finally:
        if results:
            from trainer.evaluation.report import format_results

            print(format_results(results))


def _evaluation(args: argparse.Namespace, results: list[Result]) -> Evaluation:
    """Finds the models and reads all the questions, so that a mistake shows before the work begins."""
    # torch, late: --help and mistakes answer at once
    from gptdesk.devices import choose_device, choose_precision
    from trainer.evaluation.models import find_models
    from trainer.evaluation.run import Evaluation
    from trainer.evaluation.tasks import HellaSwagTask, LambadaTask, PerplexityTask, Task, ValidationTask

    device = choose_device(args.device)
    models = find_models(args.models)
    tasks: list[Task] = []
    if args.data:
        tasks.append(ValidationTask.open(args.data, context=args.context, limit=args.limit))
    if args.text:
        tasks.append(PerplexityTask.open(args.text, context=args.context, stride=args.stride, limit=args.limit))
    if args.lambada:
        tasks.append(LambadaTask.open(args.lambada, limit=args.limit))
    if args.hellaswag:
        tasks.append(HellaSwagTask.open(args.hellaswag, args.hellaswag_protocol, limit=args.limit))
    return Evaluation(
        models=models,
        tasks=tasks,
        device=device,
        precision=choose_precision(args.precision, device),
        batch_tokens=args.batch_tokens,
        file=args.json,
        results=results,
    )
