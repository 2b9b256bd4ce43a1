"""Controls for values: boxes, chips, sliders and their scales."""
