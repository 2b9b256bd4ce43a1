"""One module a subcommand: its flags, and the call of the code that does the work."""
