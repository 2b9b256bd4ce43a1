"""Quantisation to int4: rounding, and the text that shows how the weights are used. Imports no torch."""
