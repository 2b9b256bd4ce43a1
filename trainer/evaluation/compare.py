"""Completes the same prompts with the same seeds by several models, side by side."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.inference.events import DoneEvent, NoticeEvent
from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine

_NARROWEST: Final = 32
"""Columns of text that are narrower than this are hard to read: the texts then stand below each other."""

_GAP: Final = " │ "


@dataclass(frozen=True)
class Sample:
    """One completion.

    Attributes:
        model: name of the model that wrote it.
        prompt: the text to continue.
        index: which of the n of this model and prompt.
        seed: with which it alone comes out the same.
        text: the completion, without the prompt.
        finish_reason: why it ended, see `gptdesk.inference.events.FinishReason`.
        tokens: how many it has.
        tokens_per_s: after the first token.
        notices: what the engine had to say.
    """

    model: str
    prompt: str
    index: int
    seed: int
    text: str
    finish_reason: str
    tokens: int
    tokens_per_s: float
    notices: tuple[str, ...] = ()


def read_prompts(path: Path) -> list[str]:
    """Prompts from a file: JSON lines with ``prompt`` when its name ends so, else one a line, blank ones left out.

    Raises:
        UserError: when it cannot be read, is not UTF-8 or holds none.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise UserError(f"The prompts {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise UserError(f"The prompts {path} are not UTF-8.") from None
    if path.suffix == ".jsonl":
        lines = [_prompt_of(line, path) for line in lines]
    if not lines:
        raise UserError(f"The file {path} holds no prompts.")
    return lines


def _prompt_of(line: str, path: Path) -> str:
    try:
        prompt = json.loads(line)["prompt"]
    except (ValueError, KeyError, TypeError):
        prompt = None
    if not isinstance(prompt, str):
        raise UserError(f'{path}: each line must be a JSON object with "prompt", a string.')
    return prompt


def write_samples(engine: Engine, name: str, prompts: Sequence[str], settings: DecodingSettings) -> Iterator[Sample]:
    """Completes each prompt with the same settings and the same seed, so that any model can be held against it.

    Args:
        name: of the model.
        settings: with a seed.
    """
    assert settings.seed is not None
    for prompt in prompts:
        notices: dict[int, list[str]] = {}
        finished: list[DoneEvent] = []
        for event in engine.generate(prompt, settings):
            if isinstance(event, NoticeEvent):
                notices.setdefault(event.index, []).append(event.message)
            elif isinstance(event, DoneEvent):
                finished.append(event)
        for done in sorted(finished, key=lambda event: event.index):
            yield Sample(
                name,
                prompt,
                done.index,
                done.seed,
                done.text,
                done.finish_reason,
                done.completion_tokens,
                round(done.tokens_per_s, 2),
                tuple(notices.get(done.index, ())),
            )


def format_samples(samples: Sequence[Sample], *, width: int) -> str:
    """Prompt by prompt and seed by seed, the models' texts in columns where there is room, else below each other."""
    models = list(dict.fromkeys(sample.model for sample in samples))
    groups: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.prompt, sample.index), []).append(sample)
    column = (width - len(_GAP) * (len(models) - 1)) // max(1, len(models))
    side_by_side = len(models) > 1 and column >= _NARROWEST
    blocks = []
    for (prompt, _), group in groups.items():
        head = f"{prompt!r}, seed {group[0].seed}"
        blocks.append("\n".join([head, *(_columns(group, column) if side_by_side else _stack(group, width))]))
    return "\n\n".join(blocks)


def _columns(group: Sequence[Sample], width: int) -> list[str]:
    texts = [[*_label(sample, width), "─" * width, *_wrap(sample.text, width)] for sample in group]
    height = max(map(len, texts))
    rows = zip(*(lines + [""] * (height - len(lines)) for lines in texts), strict=True)
    return [_GAP.join(f"{cell:<{width}}" for cell in row).rstrip() for row in rows]


def _stack(group: Sequence[Sample], width: int) -> list[str]:
    lines = []
    for sample in group:
        lines += [", ".join(_label(sample, width)), *(f"  {line}" for line in _wrap(sample.text, width - 2))]
    return lines


def _label(sample: Sample, width: int) -> tuple[str, str]:
    return sample.model[:width], f"{sample.tokens} tokens, {sample.finish_reason}"[:width]


def _wrap(text: str, width: int) -> list[str]:
    """Lines no wider than ``width``, the text's own line ends kept and its control characters made visible."""
    shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text.expandtabs(4))
    return [line for paragraph in shown.split("\n") for line in textwrap.wrap(paragraph, width) or [""]]
