"""The list of models: groups, cards and their contents."""
