"""The tokenizers of models: OpenAI's, compiled, and whatever a model folder brings. Imports no torch."""
