"""Writing with a changed model: what is changed, the chip that says so, the dialog that edits it."""
