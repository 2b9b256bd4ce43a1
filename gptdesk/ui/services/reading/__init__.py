"""Reading texts in the background: ahead of a completion, for scores of their tokens, for logits at a position."""
