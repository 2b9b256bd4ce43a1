"""Views of the Inspect pane over the checkpoints of a run."""
