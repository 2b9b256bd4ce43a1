"""Continuations of a prompt: scores of those that a person gives, and the most probable ones."""
