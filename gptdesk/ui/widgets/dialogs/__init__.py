"""Dialogs: their base, a question, a name, and a form with two buttons."""
