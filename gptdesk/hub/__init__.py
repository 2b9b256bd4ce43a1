"""The Hugging Face hub for window, library and trainer: errors as sentences, and the download of one file."""
