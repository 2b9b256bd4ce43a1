"""``python -m gptdesk`` is ``gptdesk``."""

import sys

from gptdesk.cli import main

if __name__ == "__main__":
    sys.exit(main())
