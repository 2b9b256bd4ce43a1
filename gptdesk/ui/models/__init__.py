"""The Models page: get models, keep them, choose the one that writes."""
