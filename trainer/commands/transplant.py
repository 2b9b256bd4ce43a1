"""``trainer transplant``: gives a model another vocabulary, and more layers."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "transplant",
        help="give a model another vocabulary, and more layers",
        description="Writes a model with another tokenizer, and with more layers where asked for. What the model has "
        "learnt stays: tokens that both vocabularies have keep their vectors, others begin with the mean of their "
        "parts, and new layers change nothing at first. Training goes on from it with `trainer train "
        "--model.init_from`.",
    )
    parser.add_argument("model", metavar="MODEL", help="model folder, checkpoint, run directory or name")
    parser.add_argument(
        "--tokenizer",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder with a tokenizer's files, as `trainer tokenizer` writes it, or of a model",
    )
    parser.add_argument("--layers", type=int, default=0, metavar="N", help="layers of the result (as the model has)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; its weights are float32")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Writes the model and says what it is.

    Raises:
        UserError: when something cannot be read or written, or does not fit.
    """
    from trainer.evaluation.models import find_model
    from trainer.transplant import transplant

    made = transplant(
        find_model(args.model).folder, args.tokenizer.expanduser(), args.out.expanduser(), layers=args.layers
    )
    config = made.config
    print(
        f"{args.out}: {config.vocab_size:,} tokens, {made.kept:,} of them with the vectors that they had; "
        f"{config.n_layer} layers"
    )
