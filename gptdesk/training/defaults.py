"""Settings that give way to those that a person chose and to the data, as the trainer lets them. No torch, no Qt."""

from trainer.planning.defaults import DataFacts, Fitted, fit_defaults

__all__ = ["DataFacts", "Fitted", "fit_defaults"]
