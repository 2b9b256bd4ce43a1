"""Chats: conversations on the tree of a document, the templates that make prompts of them, export and import."""
