"""The text editor of the playground: view of a document, marks, menus, clipboard."""
