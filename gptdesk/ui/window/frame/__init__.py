"""Parts of the main window around its page: title, rail, menu, regions, geometry."""
