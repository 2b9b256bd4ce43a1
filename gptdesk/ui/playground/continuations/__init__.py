"""Scores of continuations that a person types."""
