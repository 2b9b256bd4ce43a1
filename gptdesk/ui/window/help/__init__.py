"""The guide, the welcome and the about dialog."""
