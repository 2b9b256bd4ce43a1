"""The language model: configuration, network, tokenizer, checkpoints, decoding and devices."""
