"""From documents to blocks of tokens, in worker processes."""
