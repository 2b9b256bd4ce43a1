"""The optimizers that a run may use, and how they are built."""
