"""Sources of text: files, bundled texts, and data sets on the hub."""
