"""Bytes to text: decompression, encodings, document separators."""
