"""The Models page: download, import and manage models, and choose the one that generates."""
