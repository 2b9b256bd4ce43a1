"""Entry point of the frozen program: the window, the command line, and the interpreter of its own child processes."""

import multiprocessing
import os
import sys


def main() -> int:
    """Runs gptdesk and returns the exit status."""
    # Child processes are this program again. Without this, their bootloader relies on LD_LIBRARY_PATH as it was here,
    # and that is removed below.
    os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    multiprocessing.freeze_support()  # a worker process of multiprocessing ends in here
    # The bootloader puts the bundle's libraries first for itself; programs of the system must not load them.
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if original:
        os.environ["LD_LIBRARY_PATH"] = original
    elif sys.platform.startswith("linux"):
        os.environ.pop("LD_LIBRARY_PATH", None)
    from gptdesk.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
