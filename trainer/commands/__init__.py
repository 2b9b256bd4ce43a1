"""One module per subcommand: its flags, and the call of the code that does the work."""

from typing import Final

CANCELLED: Final = 130
"""Exit code of a command that Ctrl+C ended: 128 and the signal's number, as in a shell."""

TERMINATED: Final = 143
"""Exit code of a command that SIGTERM ended."""
