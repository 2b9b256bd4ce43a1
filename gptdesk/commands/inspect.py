"""``gptdesk inspect``: what the layers of a model make of a text."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.commands.engine import add_device_flags, add_model_flag
from gptdesk.commands.interrupts import ended_by_interrupt, interrupts
from gptdesk.commands.progress_bar import ProgressBar
from gptdesk.commands.prompt import add_special_flag, read_text
from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.folders import Folders
from gptdesk.library.catalogue import find_model

if TYPE_CHECKING:
    from gptdesk.gpt2.model import GPT2
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.inspection.rows import Row
    from gptdesk.inference.inspection.views import Question, View

VIEWS: Final = {
    "lens": "what the model would say after each layer (nostalgebraist 2020), with the rank of the token that follows",
    "attention": "where each head looks from --position: weight, and length of what comes from there (Kobayashi 2020)",
    "attribution": "direct share of each part in the logit of --token (Elhage 2021); the shares add up to it",
    "heads": "previous-token, duplicate-token and induction scores of each head (Olsson 2022); needs no text",
    "ablation": "change of the log-probability of --token, in bits, when a head or MLP is switched off",
    "patching": "how much of the answer comes back when activations of the text are put into --corrupted (Wang 2022)",
    "neurons": "the strongest neurons at --position and what they write, or the strongest places of --neuron",
    "embeddings": "the tokens nearest to the one at --position, by cosine",
    "surprisal": "how surprising each token is, in bits; with --run, how the model learns the text",
}
"""The views and what they show; `gptdesk.inference.inspection.views` computes them."""

_SITES: Final = {"residual": "RESIDUAL", "attention": "ATTENTION", "mlp": "MLP", "heads": "HEADS"}

_NO_PICTURE: Final = ("neurons", "embeddings")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "inspect",
        help="show what the layers of a model make of a text",
        description="Prints a table of one view of a text. Layers, heads, neurons and tokens are counted from 0. "
        "Quantised models are looked at with the numbers that their weights stand for; without --precision a model is "
        "not quantised. "
        + "; ".join(f"{name}: {what}" for name, what in VIEWS.items())
        + ". The documentation says what each does not prove.",
        allow_abbrev=False,
    )
    parser.add_argument("text", metavar="TEXT", nargs="?", default="", help="the text; - reads standard input")
    parser.add_argument("--view", choices=VIEWS, default="lens", help="what is shown (lens)")
    add_model_flag(parser)
    parser.add_argument(
        "--run",
        type=Path,
        dest="run_folder",
        metavar="FOLDER",
        help="look into every checkpoint of a run instead, the first one first; each row begins with the step",
    )
    add_special_flag(parser)
    parser.add_argument("--position", type=int, metavar="N", help="token behind which the model is asked (the last)")
    parser.add_argument(
        "--token", metavar="TOKEN", help="token that it is asked about (the one that follows, else the most likely)"
    )
    parser.add_argument("--other", metavar="TOKEN", help="token with which that one is compared")
    parser.add_argument("--layer", type=int, metavar="N", help="the only layer, for attention and --neuron")
    parser.add_argument("--head", type=int, metavar="N", help="the only head, for attention")
    parser.add_argument("--neuron", type=int, metavar="N", help="neuron of --layer")
    parser.add_argument("--corrupted", metavar="TEXT", help="the other prompt, for patching: as many tokens")
    parser.add_argument("--site", choices=_SITES, default="residual", help="what patching puts in (residual)")
    parser.add_argument("--replace", choices=("zero", "mean"), default="zero", help="what ablation puts in (zero)")
    parser.add_argument("--here", action="store_true", help="switch parts off at --position alone, not at every token")
    parser.add_argument(
        "--table", choices=("embedding", "unembedding"), default="embedding", help="whose vectors are compared"
    )
    add_device_flags(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print a JSON object for each row")
    formats.add_argument("--csv", action="store_true", help="print CSV with a line of headings")
    formats.add_argument("--png", type=Path, metavar="FILE", help="write the map as a picture instead, without letters")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints or writes the view and returns the exit status."""
    if options.png is not None and options.view in _NO_PICTURE:
        raise UserError(f"The view {options.view} is no map; use --csv or --json instead of --png.")
    if options.png is not None and options.run_folder is not None:
        raise UserError("A picture shows one model; use --csv or --json with --run instead of --png.")
    if options.view == "patching" and options.corrupted is None:
        raise UserError("Patching needs a second prompt; give one with --corrupted.")
    text = read_text(options.text)
    if not text and options.view != "heads":
        raise UserError("The text is empty; give one, or - and a text on standard input.")
    with interrupts() as interrupted:
        if options.run_folder is not None:
            rows = _rows_of_run(options, text, interrupted)
        else:
            view = _look(options, text, *_load(options, interrupted), interrupted)
            rows = list(view.rows)
    if options.png is not None:
        _write_picture(options.png, view)
        return 0
    from gptdesk.inference.inspection.rows import as_csv, as_text

    if options.json:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return 0
    for line in (as_csv if options.csv else as_text)(rows):
        sys.stdout.write(line)
    return 0


def _rows_of_run(options: argparse.Namespace, text: str, interrupted: Callable[[], bool]) -> list[Row]:
    """The view's rows of every checkpoint, each with its step; one model is in memory at a time."""
    from gptdesk.training.checkpoint_views import missing_sentence, views_by_step
    from gptdesk.training.checkpoints import CheckpointInfo, checkpoints

    found = checkpoints(options.run_folder)
    if not found:
        raise UserError(f"{options.run_folder} is no run with complete checkpoints.")

    def look(checkpoint: CheckpointInfo) -> list[Row]:
        options.model = str(checkpoint.path)
        return list(_look(options, text, *_load(options, interrupted), interrupted).rows)

    question = _kept_question(options, text, found[-1].path)
    seen = list(views_by_step(options.run_folder, found, look, question))
    if sentence := missing_sentence(seen):
        print(sentence, file=sys.stderr)
    return [{"step": one.step, **row} for one in seen for row in one.rows or ()]


def _kept_question(options: argparse.Namespace, text: str, checkpoint: Path) -> dict[str, Any] | None:
    """What answers are kept by beside the run; None for views that are not kept."""
    from gptdesk.training.checkpoint_views import heads_question, surprisal_question

    if options.view not in ("heads", "surprisal"):
        return None
    with ended_by_interrupt():
        from gptdesk.devices import QUANTIZED, choose_device, choose_precision
        from gptdesk.gpt2.layout import read_config
        from gptdesk.gpt2.tokenizers.loading import load_tokenizer

    precision = options.precision
    if precision not in QUANTIZED:
        precision = str(choose_precision(precision, choose_device(options.device))).removeprefix("torch.")
    if options.view == "heads":
        return heads_question(precision)
    tokenizer = load_tokenizer(checkpoint, read_config(checkpoint))
    return surprisal_question(tokenizer.encode(text, allow_special=options.special), precision)


def _load(options: argparse.Namespace, interrupted: Callable[[], bool]) -> tuple[GPT2, Tokenizer]:
    """The network in torch: nothing is compiled, and nothing quantised unless asked."""
    folders = Folders.of_this_user()
    entry = find_model(options.model, folders)
    with ended_by_interrupt():
        from gptdesk.devices import QUANTIZED, choose_device, choose_precision
        from gptdesk.gpt2.checkpoint import load_model
        from gptdesk.gpt2.tokenizers.loading import load_tokenizer
        from gptdesk.inference.in_torch.shared_weights import load_quantized
        from gptdesk.inference.loading import memory_errors_explained

    def stop_loading(read: int, total: int) -> None:
        if interrupted():
            raise KeyboardInterrupt

    device = choose_device(options.device)
    dtype = choose_precision(options.precision, device)
    tokenizer = load_tokenizer(entry.path, entry.config)
    with memory_errors_explained():
        if options.precision in QUANTIZED:
            return load_quantized(
                entry.path, options.precision, keep=folders.quantized, progress=stop_loading
            ), tokenizer
        return load_model(entry.path, dtype=dtype, device=device, progress=stop_loading), tokenizer


def _look(
    options: argparse.Namespace, text: str, model: GPT2, tokenizer: Tokenizer, interrupted: Callable[[], bool]
) -> View:
    from gptdesk.gpt2.interrupted import Interrupted
    from gptdesk.inference.inspection.views import VIEWS as COMPUTED
    from gptdesk.inference.loading import memory_errors_explained

    bar = ProgressBar(options.view)
    question = _question(options, text, model, tokenizer)
    question = replace(question, interrupted=interrupted, progress=lambda done, total: bar.show(done, total))
    try:
        with memory_errors_explained():
            return COMPUTED[options.view](question)
    except Interrupted:
        raise KeyboardInterrupt from None
    finally:
        bar.end()


def _question(options: argparse.Namespace, text: str, model: GPT2, tokenizer: Tokenizer) -> Question:
    from gptdesk.inference.inspection.ablation import Replacement
    from gptdesk.inference.inspection.embeddings import Table
    from gptdesk.inference.inspection.patching import Site
    from gptdesk.inference.inspection.views import Question

    config = model.config
    vocab_size = min(config.vocab_size, tokenizer.vocab_size)
    ids = tokenizer.encode(text, allow_special=options.special)

    def token(name: str) -> int | None:
        value: str | None = getattr(options, name)
        if value is None:
            return None
        found = tokenizer.encode(value, allow_special=options.special)
        if len(found) != 1 or found[0] >= vocab_size:
            raise UserError(f"--{name} must be one token of the model; {value!r} is {len(found)}.")
        return found[0]

    limits = {
        "position": max(len(ids), 1),
        "layer": config.n_layer,
        "head": config.n_head,
        "neuron": config.inner_size,
    }
    for name, limit in limits.items():
        value = getattr(options, name)
        if value is not None and not 0 <= value < limit:
            raise UserError(f"--{name} must be a whole number from 0 to {limit - 1}, not {value}.")
    if options.neuron is not None and options.layer is None:
        raise UserError("--neuron needs the layer that it is in; give it with --layer.")
    return Question(
        model=model,
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        ids=ids,
        position=len(ids) - 1 if options.position is None else options.position,
        token=token("token"),
        other=token("other"),
        layer=options.layer,
        head=options.head,
        neuron=options.neuron,
        corrupted=tokenizer.encode(read_text(options.corrupted or ""), allow_special=options.special),
        site=Site[_SITES[options.site]],
        replacement=Replacement(options.replace),
        here=options.here,
        table=Table(options.table),
    )


def _write_picture(path: Path, view: View) -> None:
    from gptdesk.inference.inspection.picture import png

    assert view.heat_map is not None
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(png(view.heat_map))
    except OSError as error:
        raise UserError(f"The picture cannot be written to {path} ({error.strerror or error}).") from error
