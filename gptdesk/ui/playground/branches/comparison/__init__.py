"""The comparison of two branches."""
