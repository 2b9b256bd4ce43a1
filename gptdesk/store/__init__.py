"""Documents, settings and presets on disk. Imports neither Qt nor torch."""
