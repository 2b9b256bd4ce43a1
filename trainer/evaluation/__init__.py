"""How good a model is: losses, perplexities, published tests, and texts side by side."""
