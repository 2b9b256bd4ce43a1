"""The pane with the document's tree of branches."""
