"""Exports of models: folders for transformers, GGUF files for llama.cpp."""
