"""Evaluation of models: losses, perplexities, published benchmarks, and samples side by side."""
