"""``python -m gptdesk.ui.platform_probe``: prints the platform that Qt starts on here, for `gptdesk.doctor`.

A process of its own, because Qt aborts the process where it finds no platform.
"""

import sys

from PySide6.QtGui import QGuiApplication


def main() -> int:
    """Starts Qt, prints the platform's name, and returns the exit status 0."""
    application = QGuiApplication(sys.argv)
    print(application.platformName())
    return 0


if __name__ == "__main__":
    sys.exit(main())
