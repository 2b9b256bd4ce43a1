"""Token view: colours the text by how probable the model finds each token, and lists the figures."""
