"""Prepared data as training reads it: shards on disk, and which tokens each step sees."""
