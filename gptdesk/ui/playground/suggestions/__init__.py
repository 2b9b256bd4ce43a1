"""Suggestions while typing: the model's most probable next words, shown behind the caret and not part of the text."""
