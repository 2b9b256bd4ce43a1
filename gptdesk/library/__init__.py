"""The model library: list, download, verify, import, export, remove."""
