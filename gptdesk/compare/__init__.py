"""Compares models, checkpoints and settings: the same prompts, the same seed, side by side."""
