"""The models that a person has."""
