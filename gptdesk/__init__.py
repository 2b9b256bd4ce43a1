"""GPT-2 on the desktop: generates text and trains models."""

__version__ = "0.1.0"
