"""Training runs: their monitor, requests to their trainers, and what is said about them."""
