"""Model downloads, several at once, each resumable after a restart."""
