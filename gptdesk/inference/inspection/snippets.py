"""Python code that computes what a view shows, by the functions of this package. Imports no torch.

What a script finds is in ``found``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_PACKAGE: Final = "gptdesk.inference.inspection"
_FORWARD: Final = f"from {_PACKAGE}.forward_pass import forward_pass"


@dataclass(frozen=True)
class Source:
    """What was looked into.

    Attributes:
        folder: of the model.
        precision: of its weights, as `Engine.precision`.
        device: "cpu", "cuda:0" and so on.
        text: whose tokens are ``ids``; "" where no plain text has these tokens.
        ids: of the part of the text that was read.
        position: of the token behind which the model is asked.
    """

    folder: str
    precision: str
    device: str
    text: str
    ids: tuple[int, ...]
    position: int


def lens(source: Source) -> str:
    """All layers and tokens."""
    imports = (_FORWARD, f"from {_PACKAGE}.lens import lens", f"from {_PACKAGE}.rows import lens_rows")
    lines = (_RUN, "found = lens(run)", "for row in lens_rows(found, ids, tokenizer):", "    print(row)")
    return _script("the logit lens", source, imports, (*_ids_of(source), *lines))


def attention(source: Source, layer: int, head: int) -> str:
    """The pattern of a head, and the lengths of what moves by it."""
    imports = (f"from {_PACKAGE}.attention import weighted_norms", _FORWARD)
    lines = (
        _RUN,
        f"layer, head = {layer}, {head}",
        "found = run.pattern(layer)[head]  # a row for each token that looks",
        "norms = weighted_norms(run, layer)[head]",
        "print(found)",
        "print(norms)",
    )
    return _script("where a head looks", source, imports, (*_ids_of(source), *lines))


def parts(source: Source, token: int, other: int) -> str:
    """Direct shares in the lead of one token over another."""
    imports = (f"from {_PACKAGE}.attribution import attribution", _FORWARD)
    lines = (
        _RUN,
        f"token, other = {token}, {other}",
        f"found = attribution(run, {source.position}, token, other)",
        "for part, share in zip(found.parts, found.shares.tolist()):",
        "    print(part.name, share)",
        'print("sum", float(found.shares.sum()), "logits", found.logit)',
    )
    return _script("direct shares of parts", source, imports, (*_ids_of(source), *lines))


def head_scores(source: Source) -> str:
    """Scores of all heads."""
    imports = (f"from {_PACKAGE}.head_scores import head_scores", f"from {_PACKAGE}.rows import head_rows")
    lines = (
        "special = set(tokenizer.special_tokens.values())",
        "found = head_scores(model, vocab_size=vocab_size, special=special)",
        "for row in head_rows(found):",
        "    print(row)",
    )
    return _script("what heads do on repeated random tokens", source, imports, lines)


def ablation(source: Source, token: int, *, here: bool) -> str:
    """What becomes of a token without each part."""
    imports = (f"from {_PACKAGE}.ablation import ablate", _FORWARD, f"from {_PACKAGE}.rows import ablation_row")
    since = source.position if here else 0
    lines = (
        _RUN,
        f"found = list(ablate(run, {source.position}, {token}, since={since}))",
        "for one in found:",
        "    print(ablation_row(one))",
    )
    return _script("parts switched off one by one", source, imports, (*_ids_of(source), *lines))


def patching(
    source: Source,
    prompts: tuple[str, str],
    ids: tuple[Sequence[int], Sequence[int]],
    answers: tuple[int, int],
    site: str,
) -> str:
    """How much of the first prompt's answer comes back: a row for each layer."""
    imports = (
        "import torch",
        _FORWARD,
        f"from {_PACKAGE}.patching import PromptPair, Site, patch",
    )
    lines = (
        *_assigned("clean", prompts[0], ids[0]),
        *_assigned("corrupted", prompts[1], ids[1]),
        "runs = [forward_pass(model, ids, vocab_size=vocab_size) for ids in (clean, corrupted)]",
        f"pair = PromptPair(*runs, answer={answers[0]}, other={answers[1]})",
        f"found = torch.stack([row.shares for row in patch(pair, Site.{site})])",
        "print(found)",
    )
    return _script("two prompts compared by patching", source, imports, lines)


def neurons(source: Source, chosen: tuple[int, int] | None = None) -> str:
    """The strongest neurons at a token; of one of them, layer and neuron, its strongest places in the text."""
    names = "strongest_neurons" if chosen is None else "places_in, strongest_neurons"
    lines = [
        _RUN,
        f"found = strongest_neurons(run, {source.position})",
        "for neuron in found:",
        "    print(neuron, [tokenizer.piece(id) for id in neuron.top_ids])",
    ]
    if chosen is not None:
        lines += [
            f"places = places_in(run, layer={chosen[0]}, neuron={chosen[1]})",
            "for place in places:",
            "    print(place.position, tokenizer.piece(ids[place.position]), place.activation)",
        ]
    imports = (_FORWARD, f"from {_PACKAGE}.neurons import {names}")
    return _script("the strongest neurons", source, imports, (*_ids_of(source), *lines))


def nearest(source: Source, token: int) -> str:
    """The tokens nearest to one."""
    imports = (f"from {_PACKAGE}.embeddings import nearest",)
    lines = (
        f"found = nearest(model, {token}, vocab_size=vocab_size)",
        "for near in found:",
        "    print(tokenizer.piece(near.id), near.cosine)",
    )
    return _script("the nearest tokens", source, imports, lines)


def token_map(source: Source, tokens: Sequence[int]) -> str:
    """A map of tokens."""
    imports = (f"from {_PACKAGE}.embeddings import token_map",)
    lines = (
        f"tokens = {list(tokens)}",
        "found = token_map(model, tokens)",
        "for id, point in zip(tokens, found.points.tolist()):",
        "    print(tokenizer.piece(id), point)",
        'print("share of the variance along each axis", found.explained)',
    )
    return _script("a map of tokens", source, imports, lines)


_RUN: Final = "run = forward_pass(model, ids, vocab_size=vocab_size)"


def _ids_of(source: Source) -> tuple[str, ...]:
    return _assigned("ids", source.text, source.ids)


def learned(run: str, ids: Sequence[int]) -> str:
    """Surprisals of a text's tokens at every checkpoint of a run."""
    lines = (
        f"ids = {list(ids)}",
        "found = {one.step: surprisals(load_model(one.path), ids) for one in checkpoints(run)}",
        "for step, bits in found.items():",
        "    print(step, bits.tolist())",
    )
    return _script_of_run("a text at every checkpoint", run, (f"from {_PACKAGE}.surprisal import surprisals",), lines)


def heads_by_step(run: str) -> str:
    """Scores of all heads at every checkpoint of a run."""
    imports = (
        "from gptdesk.gpt2.tokenizers.loading import load_tokenizer",
        f"from {_PACKAGE}.head_scores import head_scores",
        f"from {_PACKAGE}.rows import head_rows",
    )
    lines = (
        "found = {}",
        "for one in checkpoints(run):",
        "    model = load_model(one.path)",
        "    tokenizer = load_tokenizer(one.path, model.config)",
        "    vocab_size = min(model.config.vocab_size, tokenizer.vocab_size)",
        "    special = set(tokenizer.special_tokens.values())",
        "    found[one.step] = head_scores(model, vocab_size=vocab_size, special=special)",
        "for step, scores in found.items():",
        "    for row in head_rows(scores):",
        "        print(step, row)",
    )
    return _script_of_run("scores of heads at every checkpoint", run, imports, lines)


def _script_of_run(title: str, run: str, imports: Sequence[str], lines: Sequence[str]) -> str:
    """The code for all checkpoints of a run."""
    return "\n".join(
        (
            f"# {title[0].upper()}{title[1:]}, as in the Inspect pane of gptdesk.",
            "from pathlib import Path",
            "",
            "from gptdesk.gpt2.checkpoint import load_model",
            *imports,
            "from gptdesk.training.checkpoints import checkpoints",
            "",
            f"run = Path({run!r})",
            *lines,
            "",
        )
    )


def _assigned(name: str, text: str, ids: Sequence[int]) -> tuple[str, ...]:
    return (f"{name} = tokenizer.encode({text!r})" if text else f"{name} = {list(ids)}",)


def _script(title: str, source: Source, imports: Sequence[str], lines: Sequence[str]) -> str:
    """The code: imports, the model, and ``lines``."""
    quantised = source.precision in ("int8", "int4")
    loading = {
        "from gptdesk.gpt2.layout import read_config",
        "from gptdesk.gpt2.tokenizers.loading import load_tokenizer",
        "from gptdesk.inference.in_torch.shared_weights import load_quantized"
        if quantised
        else "from gptdesk.gpt2.checkpoint import load_model",
        *imports,
    }
    if not quantised:
        loading.add("import torch")
    torch = ["", "import torch"] if "import torch" in loading else []
    load = (
        f'model = load_quantized(folder, "{source.precision}")'
        if quantised
        else f'model = load_model(folder, dtype=torch.{source.precision}, device="{source.device}")'
    )
    return "\n".join(
        (
            f"# {title[0].upper()}{title[1:]}, as in the Inspect pane of gptdesk.",
            "from pathlib import Path",
            *torch,
            "",
            *sorted(line for line in loading if line.startswith("from ")),
            "",
            f"folder = Path({source.folder!r})",
            load,
            "tokenizer = load_tokenizer(folder, read_config(folder))",
            "vocab_size = min(model.config.vocab_size, tokenizer.vocab_size)",
            "",
            *lines,
            "",
        )
    )
