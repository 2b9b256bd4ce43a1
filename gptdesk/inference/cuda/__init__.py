"""CUDA graphs of a decode step, and sampling on the device."""
