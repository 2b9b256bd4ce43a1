"""Dialogs on the selected run."""
