"""The decoding settings on screen: panel, presets, seed."""
