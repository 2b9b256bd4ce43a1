"""What is kept of where generated text comes from."""
