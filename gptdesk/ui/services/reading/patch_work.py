"""Compares two prompts by patching, in the worker's thread; keeps what is known of the last two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gptdesk.errors import UserError
from gptdesk.ui.services.reading.look_jobs import Patched, PatchJob

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.inspection.forward_pass import ForwardPass
    from gptdesk.inference.inspection.patching import PatchedRow, PromptPair


class PromptPatcher:
    """Answers `PatchJob`s with one model. A job that is done again, or at another site, computes only what is new."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked: tuple[object, ...] = ()
        self._pair: PromptPair | None = None
        self._rows: dict[str, list[PatchedRow]] = {}

    def forget(self) -> None:
        """Keeps nothing."""
        self._asked, self._pair, self._rows = (), None, {}

    def patch(self, job: PatchJob, ids: Sequence[int], tell: Callable[..., None]) -> None:
        """Reports `Patched` after each layer. What is wrong with the prompts is said in it, beside their tokens.

        Args:
            job: asks.
            ids: of the clean prompt.
            tell: gets what is found, and ``ended=False`` while more follows.

        Raises:
            Interrupted: when the job was cancelled.
        """
        from gptdesk.inference.inspection.patching import Site, patch

        both = tuple(ids), tuple(self._engine.tokenizer.encode(job.corrupted))
        try:
            pair = self._pair_of(job, both)
        except UserError as error:
            tell(Patched(both, problem=str(error)))
            return
        rows = self._rows.setdefault(job.site, [])
        for row in patch(pair, Site[job.site], first=len(rows), interrupted=lambda: job.cancelled):
            rows.append(row)
            tell(Patched(both, (pair.answer, pair.other), pair.differences, tuple(rows)), ended=False)
        tell(Patched(both, (pair.answer, pair.other), pair.differences, tuple(rows)))

    def _pair_of(self, job: PatchJob, ids: tuple[tuple[int, ...], tuple[int, ...]]) -> PromptPair:
        from gptdesk.inference.inspection.forward_pass import forward_pass
        from gptdesk.inference.inspection.patching import PromptPair, check_lengths

        asked = (ids, job.answer, job.other)
        if self._pair is not None and self._asked == asked:
            return self._pair
        self.forget()
        check_lengths(*map(len, ids))
        engine = self._engine
        clean, corrupted = (
            forward_pass(engine.model, some, vocab_size=engine.vocab_size, interrupted=lambda: job.cancelled)
            for some in ids
        )
        answer, other = self._answer(clean, job.answer), self._answer(corrupted, job.other)
        if answer == other:
            piece = engine.tokenizer.piece(answer)
            raise UserError(f"Both prompts are answered by “{piece}”: type two answers that tell them apart.")
        self._pair, self._asked, self._rows = PromptPair(clean, corrupted, answer, other), asked, {}
        return self._pair

    def _answer(self, run: ForwardPass, typed: str) -> int:
        """The token that was typed, with a space before it where the model finds that likelier; else the most likely.

        Raises:
            UserError: when it is not one token.
        """
        import torch

        from gptdesk.inference.inspection.views import asked_token
        from gptdesk.inference.inspection.weights import unembed

        if not typed:
            return asked_token(run, len(run.ids) - 1)
        tokenizer = self._engine.tokenizer
        encoded = [tokenizer.encode(form) for form in ([typed] if typed[0].isspace() else [typed, f" {typed}"])]
        known = [ids[0] for ids in encoded if len(ids) == 1 and ids[0] < run.vocab_size]
        if not known:
            raise UserError(f"An answer must be one token of the model; “{typed}” is {len(encoded[-1])}.")
        with torch.inference_mode():
            logits = unembed(run.model, run.residual[-1, -1], run.vocab_size)
        return max(known, key=lambda id: float(logits[id]))
