"""From bytes to text: decompression, encodings, and where documents end."""
