"""Widgets that every page may use; they import no page and no document."""
