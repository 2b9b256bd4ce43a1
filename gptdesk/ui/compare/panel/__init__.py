"""The side panel of the Compare page: figures, distributions of a token, votes."""
