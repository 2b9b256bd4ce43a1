"""Copies of the documents' database: made once a day and before migrations, and restored after damage."""
