"""Scores every token of a given text: log-probability, rank, entropy and the most likely alternatives."""
