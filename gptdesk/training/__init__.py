"""Training for the window: starts, finds, reads, explains and removes runs. Imports neither Qt nor torch."""
