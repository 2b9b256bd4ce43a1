"""The Inspect pane: what the layers of the model make of the text."""
