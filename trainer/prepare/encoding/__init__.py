"""Encodes documents into blocks of tokens, in worker processes."""
