"""What the inference worker does for a text that is read in the background. Imports torch when it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Final

import msgspec

from gptdesk.gpt2.mixed_text import encode_mixed, spans_mixed
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.inference.scoring.windows import window_start
from gptdesk.ui.services.reading.jobs import (
    EndingsJob,
    FoundContinuations,
    InspectedToken,
    InspectJob,
    ReadJob,
    ScoredEndings,
    ScoredText,
    SearchJob,
    SuggestedTokens,
    SuggestJob,
)

if TYPE_CHECKING:
    from gptdesk.inference.continuations.continuation import Continuation
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

    if not reader.read_ahead(ids, scored=job.scored, cancelled=lambda: job.is_last_chunk, interrupted=interrupted):
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
    from gptdesk.inference.inspection.token_choice import inspect

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


def search_continuations(job: SearchJob, engine: Engine, report: Report) -> None:
    """Reports `FoundContinuations` of ``job``, each time one more.

    Raises:
        UserError: as for `probable_continuations`.
    """
    from gptdesk.inference.continuations.search import probable_continuations

    found: tuple[Continuation, ...] = ()
    for one in probable_continuations(
        engine, job.prompt, count=job.count, length=job.length, interrupted=lambda: job.cancelled
    ):
        found += (one,)
        report(FoundContinuations(job, found, ended=False))
    report(FoundContinuations(job, found, ended=True))


def suggest(job: SuggestJob, engine: Engine, report: Report) -> None:
    """Reports the `SuggestedTokens` of ``job``: as many as the context has room for after the prompt, so that nothing
    of what was read ahead is given up.

    Raises:
        UserError: as for `Engine.generate`.
    """
    from gptdesk.inference.reader import ALTERNATIVES

    ids, forced = engine.prompt_ids(job.prompt), [] if job.forced is None else [job.forced]
    n_positions = engine.config.n_positions
    room = n_positions - (len(ids) - window_start(len(ids), n_positions)) - len(forced)
    events: list[TokenEvent] = forced
    if room > 0:
        settings = replace(job.settings, max_tokens=min(room, job.settings.max_tokens), top_logprobs=ALTERNATIVES)
        prompt = [*ids, *(event.id for event in forced)] if forced else job.prompt
        for event in engine.generate(prompt, settings, cancelled=lambda: job.cancelled):
            if isinstance(event, TokenEvent):
                events.append(event)
            elif isinstance(event, DoneEvent) and event.tail and events:
                last = events.pop()
                events.append(
                    msgspec.structs.replace(last, text=last.text + event.tail, length=last.length + len(event.tail))
                )
    report(SuggestedTokens(job, tuple(events)))
