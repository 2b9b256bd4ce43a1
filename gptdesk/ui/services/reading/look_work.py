"""Looks into the model, in the worker's thread; keeps the last pass through a text for the next view of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText, encode_mixed, spans_mixed
from gptdesk.inference.scoring.windows import window_start
from gptdesk.ui.services.reading.look_jobs import (
    ABLATION,
    ATTENTION,
    EMBEDDINGS,
    LENS,
    MAP,
    NEURONS,
    PARTS,
    PATCHING,
    PATTERN,
    PLACES,
    SCORES,
    Ablations,
    Looked,
    LookedText,
    LookJob,
    MapJob,
    Mapped,
    Nearest,
    Neurons,
    PatchJob,
    Pattern,
    Places,
    Shares,
    Thumbnails,
)
from gptdesk.ui.services.reading.patch_work import PromptPatcher

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.inspection.ablation import Ablated
    from gptdesk.inference.inspection.forward_pass import ForwardPass
    from gptdesk.inference.inspection.head_scores import HeadScores
    from gptdesk.inference.inspection.lens import Lens

Report = Callable[[object], object]

_TOKENS_AT_ONCE: Final = 32
"""Tokens of the lens between two reports."""

_THUMBNAIL: Final = 48
"""Rows and columns of a small map at most."""

_NOTHING_BEFORE: Final = "Nothing stands before this token, so the model has not been asked for it: move the caret on."


class Looker:
    """Answers `LookJob`s with one model. What was computed for a text serves all views of it, and jobs done again.

    Either a text is kept or two prompts that are compared: one of 1,024 tokens takes 2.5 GB with gpt2-xl.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: tuple[MixedText, list[int], list[tuple[int, int]]] | None = None
        self._run: ForwardPass | None = None
        self._ids: tuple[int, ...] = ()
        self._pieces: dict[int, Lens] = {}
        self._ablated: tuple[tuple[object, ...], list[Ablated]] = ((), [])
        self._scores: HeadScores | None = None
        self._patcher = PromptPatcher(engine)

    def look(self, job: LookJob, report: Report) -> None:
        """Reports `Looked`, several times where parts of the answer are known before the rest."""
        from gptdesk.gpt2.interrupted import Interrupted
        from gptdesk.inference.loading import memory_errors_explained

        text = LookedText((), (), -1)
        config = self._engine.config
        shape = config.n_layer, config.n_head

        def tell(found: object, *, ended: bool = True) -> None:
            report(Looked(job, shape, text, found, ended))

        try:
            text = self._window(job)
            work = {
                LENS: self._lens,
                ATTENTION: self._attention,
                PATTERN: self._pattern,
                PARTS: self._parts,
                SCORES: self._head_scores,
                ABLATION: self._ablation,
                PATCHING: self._patching,
                NEURONS: self._neurons,
                PLACES: self._places,
                EMBEDDINGS: self._embeddings,
                MAP: self._map,
            }[job.view]
            with memory_errors_explained():
                work(job, text, tell)
        except Interrupted:
            return
        except UserError as error:
            tell(str(error))

    def _window(self, job: LookJob) -> LookedText:
        """The tokens around the caret that the context holds."""
        tokenizer, n_positions = self._engine.tokenizer, self._engine.config.n_positions
        if self._read is None or self._read[0] != job.text:
            self._read = job.text, encode_mixed(tokenizer, job.text), spans_mixed(tokenizer, job.text)
        _, ids, spans = self._read
        asked = next((place for place, (_, end) in enumerate(spans) if end > job.caret), len(spans))
        first = 0 if len(ids) <= n_positions else window_start(asked + 1, n_positions)
        last = first + n_positions
        return LookedText(tuple(ids[first:last]), tuple(spans[first:last]), asked - 1 - first)

    def _pass(self, job: LookJob, text: LookedText) -> ForwardPass:
        from gptdesk.inference.inspection.forward_pass import forward_pass

        if self._run is None or self._ids != text.ids:
            self._run, self._pieces = None, {}
            self._patcher.forget()
            self._run = forward_pass(
                self._engine.model,
                text.ids,
                vocab_size=self._engine.vocab_size,
                interrupted=lambda: job.cancelled,
            )
            self._ids = text.ids
        return self._run

    def _lens(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        """Some tokens at a time, those nearest to the caret first."""
        from gptdesk.inference.inspection.lens import lens

        run = self._pass(job, text)
        starts = list(range(0, len(text.ids), _TOKENS_AT_ONCE))
        starts.sort(key=lambda start: abs(start + _TOKENS_AT_ONCE // 2 - text.position))
        for number, start in enumerate(starts, 1):
            if start not in self._pieces:
                last = min(start + _TOKENS_AT_ONCE, len(text.ids))
                self._pieces[start] = lens(run, start, last, interrupted=lambda: job.cancelled)
            tell(self._pieces[start], ended=number == len(starts))

    def _attention(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        import torch

        from gptdesk.gpt2.interrupted import Interrupted

        run = self._pass(job, text)
        size = min(len(text.ids), _THUMBNAIL)
        maps = []
        for layer in range(run.n_layer):
            if job.cancelled:
                raise Interrupted
            maps.append(torch.nn.functional.adaptive_max_pool2d(run.pattern(layer)[None], size)[0].cpu())
        tell(Thumbnails(torch.stack(maps).numpy()))

    def _pattern(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        from gptdesk.inference.inspection.attention import weighted_norms

        run = self._pass(job, text)
        weights = run.pattern(job.layer)[job.head].cpu().numpy()
        tell(Pattern(weights, weighted_norms(run, job.layer)[job.head].cpu().numpy()))

    def _parts(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        import torch

        from gptdesk.inference.inspection.attribution import attribution
        from gptdesk.inference.inspection.views import asked_token
        from gptdesk.inference.inspection.weights import unembed

        run = self._asked_pass(job, text)
        token = asked_token(run, text.position)
        with torch.inference_mode():
            best = unembed(run.model, run.residual[-1, text.position], run.vocab_size).topk(2).indices.tolist()
        other = next(id for id in best if id != token)
        tell(Shares(attribution(run, text.position, token, other), token, other))

    def _head_scores(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        from gptdesk.inference.inspection.head_scores import head_scores

        if self._scores is None:
            engine = self._engine
            self._scores = head_scores(
                engine.model,
                vocab_size=engine.vocab_size,
                special=set(engine.tokenizer.special_tokens.values()),
                interrupted=lambda: job.cancelled,
            )
        tell(self._scores)

    def _ablation(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        """Goes on where a job with the same question was given up."""
        from gptdesk.inference.inspection.ablation import ablate
        from gptdesk.inference.inspection.parts import heads_and_mlps
        from gptdesk.inference.inspection.views import asked_token

        run = self._asked_pass(job, text)
        token = asked_token(run, text.position)
        question = (text, job.here)
        if self._ablated[0] != question:
            self._ablated = question, []
        found = self._ablated[1]
        known = {one.part for one in found}
        parts = [part for part in heads_and_mlps(run.n_layer, run.n_head) if part not in known]
        for one in ablate(
            run,
            text.position,
            token,
            since=text.position if job.here else 0,
            parts=parts,
            interrupted=lambda: job.cancelled,
        ):
            found.append(one)
            tell(Ablations(tuple(found), token), ended=False)
        tell(Ablations(tuple(found), token))

    def _patching(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        assert isinstance(job, PatchJob)
        self._run, self._ids, self._pieces = None, (), {}
        self._patcher.patch(job, text.ids, tell)

    def _neurons(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        from gptdesk.inference.inspection.neurons import strongest_neurons

        tell(Neurons(tuple(strongest_neurons(self._asked_pass(job, text), text.position))))

    def _embeddings(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        from gptdesk.inference.inspection.embeddings import nearest

        run = self._asked_pass(job, text)
        found = nearest(run.model, text.ids[text.position], vocab_size=run.vocab_size)
        tell(Nearest(tuple(found)))

    def _places(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        from gptdesk.inference.inspection.neurons import places_in

        tell(Places(tuple(places_in(self._pass(job, text), job.layer, job.head))))

    def _map(self, job: LookJob, text: LookedText, tell: Callable[..., None]) -> None:
        from gptdesk.inference.inspection.embeddings import nearest, token_map
        from gptdesk.inference.inspection.forward_pass import check_text

        assert isinstance(job, MapJob)
        engine = self._engine
        if job.words:
            ids = list(dict.fromkeys(engine.tokenizer.encode(job.words)))
            check_text(engine.model, ids, engine.vocab_size)
        else:
            self._check_place(text)
            here = text.ids[text.position]
            ids = [here, *(near.id for near in nearest(engine.model, here, vocab_size=engine.vocab_size))]
        tell(Mapped(tuple(ids), token_map(engine.model, ids)))

    def _asked_pass(self, job: LookJob, text: LookedText) -> ForwardPass:
        """The pass, for views of the token behind the caret's position.

        Raises:
            UserError: when there is none.
        """
        self._check_place(text)
        return self._pass(job, text)

    @staticmethod
    def _check_place(text: LookedText) -> None:
        if text.ids and text.position < 0:
            raise UserError(_NOTHING_BEFORE)
