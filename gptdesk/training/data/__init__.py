"""Prepared data sets and their preparation. Imports no Qt."""
