"""Runs on the Train page: list, dashboard, actions, and the scanner that watches them."""
