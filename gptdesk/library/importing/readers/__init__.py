"""Readers of file formats that imports need: TensorFlow checkpoints, GGUF, LoRA adapters."""
