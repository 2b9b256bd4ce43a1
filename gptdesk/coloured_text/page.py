"""Parts of a web page with coloured tokens: light and dark, in one file, without scripts, all text escaped."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from gptdesk.coloured_text.ramps import STEPS, ramp

_PAGE: Final = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="gptdesk">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{body}
</body>
</html>
"""

_STYLE: Final = """\
:root {{ {light} }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
body {{ margin: 0; background: var(--paper); color: var(--text); font: 1.1rem/1.8 Georgia, serif; }}
.n {{ border: 1px solid var(--quiet); border-radius: 4px; padding: 0 0.3em; font: 0.75em monospace; }}
.r b {{ display: inline-block; width: 0.9em; height: 0.9em; vertical-align: -0.1em; }}
{style}
{rules}"""

_UNSHOWN: Final = {
    code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)) if chr(code) not in "\t\n\r"
}
"""Control characters and half characters, which no page may hold."""


class PageColours(NamedTuple):
    """One theme of a page, as ``#rrggbb``; ``strongest`` is the end of the ramp of tokens."""

    paper: str
    text: str
    quiet: str
    bar: str
    strongest: str


def page(title: str, *, light: PageColours, dark: PageColours, style: str, body: str) -> bytes:
    """The page in UTF-8; ``style`` and ``body`` as they stand there. ``.s1`` and so on are the colours of the ramp."""
    whole = _STYLE.format(
        light=_variables(light),
        dark=_variables(dark),
        style=style,
        rules="\n".join(f".s{step} {{ background: var(--s{step}); }}" for step in range(1, STEPS)),
    )
    return bare_page(title, style=whole, body=body)


def bare_page(title: str, *, style: str, body: str) -> bytes:
    """A page in UTF-8 that loads nothing, without colours; ``style`` and ``body`` as they stand there."""
    return _PAGE.format(title=escaped(title), style=style, body=body).encode("utf-8")


def span(text: str, *, step: int = 0, title: str, kinds: Collection[str] = ()) -> str:
    """A token: its text, the index of its colour, the lines of its tooltip, and further classes."""
    classes = [*kinds, *([f"s{step}"] if step else [])]
    kind = f' class="{" ".join(classes)}"' if classes else ""
    return f'<span{kind} title="{escaped(title)}">{escaped(text)}</span>'


def legend(title: str, low: str, high: str) -> str:
    """A paragraph that says what the colours mean."""
    steps = "".join(f'<b class="s{step}"></b>' for step in range(STEPS))
    return f'<p class="r">{escaped(title)}: {escaped(low)} {steps} {escaped(high)}</p>'


def step_of(level: float) -> int:
    """Index of the colour of a level, 0 to 1."""
    return round(min(1.0, max(0.0, level)) * (STEPS - 1))


def escaped(text: str) -> str:
    """The text for a page, as text or attribute; half characters and control characters become U+FFFD."""
    from html import escape  # not at the start of the window

    return escape(text.translate(_UNSHOWN))


def _variables(colours: PageColours) -> str:
    named = {"paper": colours.paper, "text": colours.text, "quiet": colours.quiet, "bar": colours.bar}
    named |= {f"s{step}": colour for step, colour in enumerate(ramp(colours.paper, colours.strongest))}
    return " ".join(f"--{name}: {value};" for name, value in named.items())
