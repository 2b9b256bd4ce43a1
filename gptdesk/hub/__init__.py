"""What window, library and trainer share of the Hugging Face hub: sentences for its errors, and one file's download."""
