"""Goes from one branch of the text to another, from where the caret is."""
