"""The settings of a chat beside it: template, system text, names, and the prompt that the model reads."""
