"""Toasts and banners over the page."""
