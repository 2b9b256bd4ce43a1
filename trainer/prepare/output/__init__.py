"""Merges blocks of tokens into shards with a manifest."""
