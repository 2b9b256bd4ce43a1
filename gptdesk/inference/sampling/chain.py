"""The chain of the samplers that one completion needs, and the choice of its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.sampling.choice import argmax, probability, sample
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.registry import in_order, switched_on
from gptdesk.inference.sampling.sampler import Floats, History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings


class SamplerChain:
    """The samplers that ``settings`` switch on, in their order, with their state in one completion.

    Args:
        settings: decoding settings.
        tokenizer: of the model; without one, no sampler knows tokens by their text.

    Attributes:
        settings: as given.
        greedy: whether the most likely token is always taken.
    """

    def __init__(self, settings: DecodingSettings, tokenizer: Tokenizer | None = None) -> None:
        self.settings = settings
        self.greedy = settings.greedy
        self._use(
            [
                (sampler, sampler.start(settings))
                for sampler in in_order(settings.sampler_order)
                if switched_on(sampler, settings)
            ]
        )
        if tokenizer is not None:
            for sampler, state in self._steps:
                sampler.use_tokenizer(state, tokenizer)

    def _use(self, steps: list[tuple[Sampler[Any], Any]]) -> None:
        """Takes samplers with their states."""
        self._steps = steps
        self._drawing = [step for step in steps if type(step[0]).draw is not Sampler.draw]
        self._told = [step for step in steps if type(step[0]).chosen is not Sampler.chosen]

    @property
    def draws(self) -> bool:
        """Whether what samplers do depends on chance."""
        return bool(self._drawing)

    @property
    def learns(self) -> bool:
        """Whether what samplers do depends on the tokens that were drawn before."""
        return bool(self._told)

    def learn_as(self, other: SamplerChain) -> bool:
        """Takes over what samplers have learnt in the completion of another chain; returns whether those that learn
        here have learnt there, with the same settings."""
        known: dict[Sampler[Any], Any] = {}
        for sampler, state in other._told:
            names = (*sampler.settings, *sampler.tuned_by)
            if all(getattr(self.settings, name) == getattr(other.settings, name) for name in names):
                known[sampler] = copy(state)
        self._use([(sampler, known.get(sampler, state)) for sampler, state in self._steps])
        return all(sampler in known for sampler, _ in self._told)

    def draw(self, numbers: RandomNumbers) -> None:
        """Draws what samplers that act by chance do at the next token."""
        for sampler, state in self._drawing:
            sampler.draw(state, numbers)

    def apply(self, logits: Floats, history: History) -> Floats:
        """The logits that a token is drawn from.

        Args:
            logits: (V) float32, the model's own.
            history: of ids in 0 ... V - 1.
        """
        for sampler, state in self._steps:
            logits = sampler.apply(logits, history, state)
        return logits

    def apply_each(self, logits: Floats, history: History) -> Iterator[tuple[Sampler[Any], Floats]]:
        """As `apply`: yields each sampler with the logits after it."""
        for sampler, state in self._steps:
            logits = sampler.apply(logits, history, state)
            yield sampler, logits

    def choose(self, logits: Floats, history: History, numbers: RandomNumbers) -> int:
        """The next token's id; ``numbers`` as in `sample`.

        Raises:
            UserError: when every token is banned.
        """
        self.draw(numbers)
        logits = self.apply(logits, history)
        if self.greedy:
            return argmax(logits)
        id = sample(logits, numbers)
        self.learn(logits, id)
        return id

    def learn(self, logits: Floats, id: int) -> None:
        """Tells the samplers that learn which token was drawn from ``logits``, those at the end of the chain."""
        if self._told:
            drawn_with = probability(logits, id)
            for sampler, state in self._told:
                sampler.chosen(state, id, drawn_with)
