"""The first step of the New run sheet: choosing and preparing data."""
