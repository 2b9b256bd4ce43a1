"""docs/DECODING.md: every decoding setting. `python -m gptdesk.inference.sampling.reference` prints it."""

from __future__ import annotations

import json

from gptdesk.inference.sampling.fields import Group, Setting
from gptdesk.inference.sampling.registry import SAMPLERS, title_of
from gptdesk.inference.sampling.settings import PRESETS, SETTINGS

_BEGINNING = """# Decoding settings

Made by `python -m gptdesk.inference.sampling.reference`; the source is `gptdesk/inference/sampling/settings.py`.

The panel in the Playground, `gptdesk complete` and `python -m trainer sample` have the same settings. A preset keeps
and resets what decides how a token is chosen; length, stop strings and seed stay as they are when it is taken.
"""

_ORDER = """## Order

Samplers apply in this order, unless the order of samplers says otherwise; a greedy choice uses only those marked with
an asterisk.
"""


def reference_page() -> str:
    """The page as Markdown."""
    lines = [_BEGINNING]
    for group in Group:
        lines += [f"## {group.value}", ""]
        lines += ["| setting | flag | values | default | in presets | what it does |", "| --- " * 6 + "|"]
        lines += [_row(setting) for setting in SETTINGS.values() if setting.group is group] + [""]
    lines += [_ORDER]
    for place, sampler in enumerate(SAMPLERS, start=1):
        mark = "\\*" if sampler.greedy else ""
        lines.append(f"{place}. {title_of(sampler)}{mark}")
    lines += ["", "## Presets", "", "| preset | settings |", "| --- | --- |"]
    for name, preset in PRESETS.items():
        values = (f"{SETTINGS[key].title} {value:g}" for key, value in preset.to_json().items())
        lines.append(f"| {name} | {', '.join(values)} |")
    return "\n".join(lines) + "\n"


def _row(setting: Setting) -> str:
    flags = ", ".join(f"`{flag} {setting.metavar}`" for flag in setting.flags)
    preset = "yes" if setting.in_preset else "no"
    return f"| {setting.title} | {flags} | {_values(setting)} | {_default(setting)} | {preset} | {setting.help} |"


def _values(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(setting.choices)
    if setting.limit is None:
        return "repeated" if setting.repeated else "text"
    low, high, whole = setting.limit
    span = f"{low:g} to {high:,.10g}" if high < 2**53 else f"{low:g} or more"
    return span + (", whole number" if whole else "")


def _default(setting: Setting) -> str:
    if isinstance(setting.neutral, tuple) and setting.neutral:
        return " ".join(f"`{json.dumps(text)[1:-1]}`" for text in setting.neutral)
    if setting.choices:
        return str(setting.neutral)
    if setting.neutral is None or setting.limit is None:
        return "none"
    word = f" ({setting.word})" if setting.word and setting.word_value == setting.neutral else ""
    return f"{setting.neutral:g}{word}"


if __name__ == "__main__":
    print(reference_page(), end="")
