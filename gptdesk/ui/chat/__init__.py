"""The Chat page: conversations with the model, as documents with turns."""
