"""Several completions of the text side by side, of which one is used."""
