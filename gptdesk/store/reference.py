"""docs/SETTINGS.md: every setting of the dialog. `python -m gptdesk.store.reference` prints it."""

from __future__ import annotations

from typing import Any

from gptdesk.store.setting_fields import Choice, Setting, settings_of
from gptdesk.store.settings import Settings

_BEGINNING = """# Settings

Made by `python -m gptdesk.store.reference`; the source is `gptdesk/store/settings.py`.

Ctrl+, opens the settings. A change applies at once and is kept in `settings.json`, in the folder of the settings; a
value there that cannot be used is replaced by the default, and the window says which.
"""


def reference_page(kind: Any = Settings) -> str:
    """The page as Markdown.

    Args:
        kind: `Settings`, or a class derived from it.
    """
    lines, settings = [_BEGINNING], settings_of(kind).values()
    for page in dict.fromkeys(setting.page for setting in settings):
        lines += [f"## {page}", "", "| setting | in the file | values | default | what it does |", "| --- " * 5 + "|"]
        lines += [_row(setting) for setting in settings if setting.page == page] + [""]
    return "\n".join(lines[:-1]) + "\n"


def _row(setting: Setting) -> str:
    values = setting.control.describe()
    return f"| {setting.title} | `{setting.key}` | {values} | {_default(setting)} | {setting.help} |"


def _default(setting: Setting) -> str:
    if isinstance(setting.control, Choice):
        return setting.control.titles[setting.default]
    if isinstance(setting.default, bool):
        return "on" if setting.default else "off"
    return str(setting.default) or "empty"


if __name__ == "__main__":
    print(reference_page(), end="")
