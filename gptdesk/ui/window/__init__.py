"""The main window and everything that concerns more than one page."""
