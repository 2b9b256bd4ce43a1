"""What the inference worker does for a text that is read in the background. Imports torch when it is called."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.mixed_text import encode_mixed, spans_mixed
from gptdesk.ui.services.reading.jobs import (
    EndingsJob,
    InspectedToken,
    InspectJob,
    ReadJob,
    ScoredEndings,
    ScoredText,
)

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.reader import TextReader

_REPORT_SECONDS: Final = 0.05
"""Least time between two reports of scores."""

_REPORT_SHARE: Final = 20
"""After a report that took t seconds the next one follows after at least this times t."""

Report = Callable[[object], object]


def read_text(job: ReadJob, engine: Engine, reader: TextReader, report: Report) -> None:
    """Reads the text of ``job`` and reports it; then reports its scores, a `ScoredText` each time, if they are wanted.

    Raises:
        UserError: as for `TextReader`.
    """
    ids = encode_mixed(engine.tokenizer, job.text)
    spans = spans_mixed(engine.tokenizer, job.text)

    def interrupted(tokens: int) -> bool:
        return job.stops_at(spans[min(tokens, len(spans)) - 1][1] if spans else 0)

    if not reader.read_ahead(ids, cancelled=lambda: job.is_last_chunk, interrupted=interrupted):
        return
    report(job.text)
    if not job.scored or job.is_last_chunk:
        return
    import numpy as np

    from gptdesk.inference.scoring.scores import TextScores, TokenScores

    scores = TokenScores.unknown(len(ids), reader.top)
    places = np.array(spans, np.int64).reshape(-1, 2)
    whole = TextScores(np.array(ids, np.int64), scores)

    def tell() -> float:
        """Reports what is known; returns when to do that again."""
        began = perf_counter()
        known = TextScores(whole.ids, scores.copy())
        report(ScoredText(job.text, places[:, 0], places[:, 1], known))
        now = perf_counter()
        return now + max(_REPORT_SECONDS, _REPORT_SHARE * (now - began))

    near = int(np.searchsorted(places[:, 1], job.near))
    due = perf_counter() + _REPORT_SECONDS
    for first, some in reader.score(ids, near=near, interrupted=lambda n: job.is_last_chunk or interrupted(n)):
        scores.put(first, some)
        if perf_counter() >= due:
            due = tell()
    tell()


def inspect_token(job: InspectJob, engine: Engine, reader: TextReader, report: Report) -> None:
    """Reports the `InspectedToken` of ``job``.

    Raises:
        UserError: as for `inspect`.
    """
    from gptdesk.inference.inspection import inspect

    found = inspect(
        engine,
        reader,
        job.prompt,
        job.sampled,
        job.settings,
        seed=job.seed,
        text=job.text,
        interrupted=lambda _: job.cancelled,
    )
    if found is not None:
        report(InspectedToken(job, found))


def score_endings_of(job: EndingsJob, engine: Engine, report: Report) -> None:
    """Reports the `ScoredEndings` of ``job``.

    Raises:
        UserError: as for `score_endings`.
    """
    from gptdesk.inference.continuations.endings import score_endings

    found = tuple(score_endings(engine, job.prompt, job.endings, interrupted=lambda: job.cancelled))
    if len(found) == len(job.endings):
        report(ScoredEndings(job, found))
