"""Reading texts in the background: ahead of a completion, for scores of their tokens, to inspect a choice."""
