"""Controls that every page may use; they know no page and no document."""
