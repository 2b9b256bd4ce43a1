"""One chart: what it shows, pointer and keyboard, and its values as text."""
