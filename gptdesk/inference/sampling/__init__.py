"""From logits to a token: decoding settings and filters."""
