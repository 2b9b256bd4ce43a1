"""Reads what a run recorded: events, metrics by step, samples, console output."""
