"""Defaults that adapt to chosen settings and data; the trainer's own, for the window. No torch, no Qt."""

from trainer.planning.defaults import DataFacts, Fitted, fit_defaults

__all__ = ["DataFacts", "Fitted", "fit_defaults"]
