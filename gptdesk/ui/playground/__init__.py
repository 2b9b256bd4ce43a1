"""The page on which a person writes and a model goes on."""
