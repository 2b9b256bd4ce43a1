"""Flags that change a model before it writes: parts switched off, directions added."""

from __future__ import annotations

import argparse

from gptdesk.errors import UserError
from gptdesk.inference.interventions.intervention import Intervention, Steering, parse_components


def add_intervention_flags(parser: argparse.ArgumentParser) -> None:
    """Adds them. With one of them PyTorch computes, which is slower than the compiled decoder."""
    parser.add_argument(
        "--without",
        metavar="PARTS",
        default="",
        help="switch parts of the model off: 3.1 is head 1 of layer 3, 5.mlp the MLP of layer 5, 6 all of layer 6; "
        "several with commas between them. Layers and heads are counted from 0. The model is computed by PyTorch then",
    )
    parser.add_argument(
        "--mean-of",
        metavar="TEXT",
        default="",
        help="put the mean of their output over the tokens of this text in the place of what is switched off, not zero",
    )
    parser.add_argument(
        "--steer",
        nargs=4,
        action="append",
        default=[],
        metavar=("LAYER", "STRENGTH", "TOWARD", "AWAY"),
        help="add a direction to what enters a layer: the difference of two prompts' residual streams there, times the "
        "strength, for every token (Turner 2023, with one token everywhere as in Rimsky 2023); "
        'AWAY may be "". May be given several times',
    )


def given_intervention(options: argparse.Namespace) -> Intervention:
    """The intervention that the flags ask for.

    Raises:
        UserError: when one of them cannot be used.
    """
    if options.mean_of and not options.without:
        raise UserError("--mean-of needs the parts that it stands for; give them with --without.")
    return Intervention(
        without=parse_components(options.without),
        mean_of=options.mean_of,
        steering=tuple(_steering(*values) for values in options.steer),
    )


def _steering(layer: str, strength: str, toward: str, away: str) -> Steering:
    try:
        return Steering(toward=toward, away=away, layer=int(layer), strength=float(strength))
    except ValueError:
        raise UserError(
            f"--steer needs a layer and a strength first, such as 4 2.5, not {layer!r} and {strength!r}."
        ) from None
