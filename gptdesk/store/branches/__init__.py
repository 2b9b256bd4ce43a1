"""The branches of a document: their outline, and how a text is found again among them."""
