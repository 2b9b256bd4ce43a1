"""The documents as a list: what each entry shows, full-text search, pins, tags and the trash."""
