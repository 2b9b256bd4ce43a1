"""The columns of the Compare page: what each is, and its text with colours."""
