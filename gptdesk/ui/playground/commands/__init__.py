"""Commands of the Playground page."""
