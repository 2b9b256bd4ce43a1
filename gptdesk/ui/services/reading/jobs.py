"""Messages between the window and the inference worker about texts that are read in the background."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Self

import msgspec

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.ui.services.inference_messages import Job

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gptdesk.inference.continuations.continuation import Continuation
    from gptdesk.inference.events import TokenEvent
    from gptdesk.inference.inspection.token_choice import Inspection
    from gptdesk.inference.sampling.settings import DecodingSettings
    from gptdesk.inference.scoring.scores import TextScores


class BackgroundJob(Job, frozen=True, kw_only=True):
    """Work that gives way to all other: `cancel` ends it within one block of the network."""

    _last_chunk: threading.Event = msgspec.field(default_factory=threading.Event)
    _limit: list[int] = msgspec.field(default_factory=lambda: [sys.maxsize])

    def finish_chunk(self) -> None:
        """Ends it after the chunk of the prompt that is being read, which is of use to what comes next."""
        self._last_chunk.set()

    def limit_to(self, characters: int) -> None:
        """Gives up the part behind so many characters of the text: a person has changed it."""
        self._limit[0] = min(self._limit[0], characters)

    def again(self) -> Self:
        """The same work as a job that nobody has cancelled yet."""
        return msgspec.structs.replace(self, **msgspec.structs.asdict(BackgroundJob()))

    @property
    def key(self) -> tuple[object, ...]:
        """A request replaces one with the same key."""
        return (type(self),)

    @property
    def is_last_chunk(self) -> bool:
        return self._last_chunk.is_set()

    def stops_at(self, characters: int) -> bool:
        """Whether a step that needs so many characters of the text is to be given up."""
        return self.cancelled or characters > self._limit[0]


class ReadJob(BackgroundJob, frozen=True):
    """Reads ``text`` into the model's cache, as the prompt of a completion.

    Attributes:
        text: all of it.
        scored: whether its tokens are scored, too.
        near: index of a character around which a text longer than the context is scored first.
    """

    text: str | MixedText
    scored: bool = False
    near: int = 0


class InspectJob(BackgroundJob, frozen=True):
    """Inspects the choice of the token behind ``prompt`` and ``sampled``; the fields are arguments of `inspect`.

    Attributes:
        asker: who shows the answer; two of them do not replace each other's requests.
    """

    prompt: MixedText | tuple[int, ...]
    sampled: tuple[int, ...]
    settings: DecodingSettings
    seed: int | None
    text: MixedText
    asker: str

    @property
    def key(self) -> tuple[object, ...]:
        return type(self), self.asker

    @property
    def question(self) -> tuple[object, ...]:
        """What is asked: the same for a job that is done again."""
        return self.prompt, self.sampled, self.settings, self.seed, self.text, self.asker


class InspectedToken(msgspec.Struct, frozen=True):
    """The answer to ``job``."""

    job: InspectJob
    found: Inspection


class EndingsJob(BackgroundJob, frozen=True):
    """Scores endings of ``prompt``; the fields are arguments of `score_endings`."""

    prompt: MixedText
    endings: tuple[str, ...]


class ScoredEndings(msgspec.Struct, frozen=True):
    """The answer to ``job``: a continuation for each of its endings."""

    job: EndingsJob
    found: tuple[Continuation, ...]


class SearchJob(BackgroundJob, frozen=True):
    """Searches for the most probable continuations of ``prompt``; arguments of `probable_continuations`."""

    prompt: MixedText
    count: int
    length: int

    @property
    def question(self) -> tuple[object, ...]:
        """What is asked: the same for a job that is done again."""
        return self.prompt, self.count, self.length


class FoundContinuations(msgspec.Struct, frozen=True):
    """The answer to ``job``, or its beginning.

    Attributes:
        job: the search.
        found: the most probable continuations, the most probable first.
        ended: whether these are all that it finds.
    """

    job: SearchJob
    found: tuple[Continuation, ...]
    ended: bool


class SuggestJob(BackgroundJob, frozen=True):
    """Finds tokens that could follow ``prompt``.

    Attributes:
        prompt: all of the text.
        settings: how they are chosen, and how many.
        forced: the first token; ``None`` leaves it to the model.
    """

    prompt: MixedText
    settings: DecodingSettings
    forced: TokenEvent | None = None

    @property
    def question(self) -> tuple[object, ...]:
        """What is asked: the same for a job that is done again."""
        return self.prompt, self.settings, self.forced


class SuggestedTokens(msgspec.Struct, frozen=True):
    """The answer to ``job``; no events where the context has no room for one."""

    job: SuggestJob
    events: tuple[TokenEvent, ...]


class ScoredText(msgspec.Struct, frozen=True):
    """A text with the scores that are known of its tokens.

    Attributes:
        text: all of it.
        starts, ends: (T) int64, index of the first character of each token, and the index behind its last one. Tokens
            that are parts of one character have all of it.
        found: ids and scores of the T tokens.
    """

    text: str | MixedText
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    found: TextScores
