"""The second step of the New run sheet: the model that training starts from."""
