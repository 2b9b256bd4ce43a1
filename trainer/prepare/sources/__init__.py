"""What there is to read: files, bundled texts, and data sets of the hub."""
