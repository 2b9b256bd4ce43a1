"""The vocabulary of a new run: the choice, its card, and its measurement."""
