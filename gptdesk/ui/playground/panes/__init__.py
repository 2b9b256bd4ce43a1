"""What the panes of documents and branches share: their top, their rows, and the keys and menus of rows."""
