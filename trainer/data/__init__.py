"""Prepared data for training: shards on disk, and which tokens each step reads."""
