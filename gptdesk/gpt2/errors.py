"""The one exception that is meant for the person at the keyboard."""


class UserError(ValueError):
    """Something the person gave us cannot be used; ``str(error)`` is one sentence saying what is wrong and what to do.

    The command line prints it and exits with code 2, the window shows it in a dialog. Anything else that escapes is a
    bug of ours.
    """
