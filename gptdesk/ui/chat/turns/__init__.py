"""The turns of a chat as cards, one below the other."""
