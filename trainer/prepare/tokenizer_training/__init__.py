"""Makes tokenizers from text: byte-level BPE, bytes, characters."""
