"""Comparisons in the background, and the votes on them."""
