"""Renders chat templates in Jinja's immutable sandbox, as ``transformers`` does; the process for those of strangers.

``python -m gptdesk.chat.templates.sandbox`` is that process: each line of its input is a request as JSON, each line of
its output the answer. What a template may use is that of ``transformers`` (utils/chat_template_utils.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gptdesk.chat.templates.failure import LARGEST, MEMORY, TemplateFailed


class _Raised(jinja2.TemplateError):
    """What ``raise_exception`` of a template raises."""


class _GenerationBlock(jinja2.ext.Extension):
    """``{% generation %} ... {% endgeneration %}`` marks what a model learns; it is rendered as it stands."""

    tags = {"generation"}  # noqa: RUF012 (the name is Jinja's)

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node | list[jinja2.nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)


class _Namespace(jinja2.utils.Namespace):
    """Jinja's, but without attributes that begin with an underscore."""

    def __init__(*args: Any, **values: Any) -> None:  # "self" may be an attribute
        attributes = dict(*args[1:], **values)
        for name in attributes:
            _check_attribute(name)
        jinja2.utils.Namespace.__init__(args[0], attributes)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_attribute(name)
        super().__setitem__(name, value)


class _Dict:
    """``dict`` for templates, without the attributes of the type."""

    def __call__(self, *args: Any, **values: Any) -> dict[Any, Any]:
        return dict(*args, **values)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


def _check_attribute(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"namespaces have no attribute {name!r}")


def _raise_exception(message: Any) -> None:
    raise _Raised(str(message))


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def make_environment() -> ImmutableSandboxedEnvironment:
    """The environment in which templates are rendered."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {
        "raise_exception": _raise_exception, "strftime_now": _strftime_now, "dict": _Dict(), "namespace": _Namespace,
    }  # fmt: skip
    return environment


@lru_cache(maxsize=16)
def _compiled(source: str) -> jinja2.Template:
    return make_environment().from_string(source)


def render(source: str, variables: Mapping[str, Any]) -> str:
    """The text that a template makes of ``variables``, in this process: not bounded in time and memory.

    Raises:
        TemplateFailed: when it cannot be rendered.
    """
    try:
        pieces, length = [], 0
        for piece in _compiled(source).generate(variables):
            length += len(piece)
            if length > LARGEST:
                raise TemplateFailed(f"it renders more than {LARGEST:,} characters")
            pieces.append(piece)
        return "".join(pieces)
    except TemplateFailed:
        raise
    except _Raised as error:
        raise TemplateFailed(str(error), of_author=True) from None
    except jinja2.exceptions.SecurityError as error:
        raise TemplateFailed(f"it asks for what templates may not use ({error})") from None
    except jinja2.TemplateSyntaxError as error:
        raise TemplateFailed(f"its line {error.lineno} is no Jinja ({error.message})") from None
    except RecursionError:
        raise TemplateFailed("it calls itself without end") from None
    except MemoryError:
        raise TemplateFailed(f"it needs more than {MEMORY >> 20:,} MB of memory") from None
    except Exception as error:  # a template may do anything that Python does
        raise TemplateFailed(f"{type(error).__name__}: {error}"[:300]) from None


def main() -> int:
    """Answers requests until its input ends.

    Returns:
        Exit status 0.
    """
    _bound_memory()
    for line in sys.stdin.buffer:
        answer: dict[str, Any]
        try:
            request = json.loads(line)
            answer = {"text": render(request["template"], request["variables"])}
        except TemplateFailed as error:
            answer = {"error": error.sentence, "of_author": error.of_author}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()
    return 0


def _bound_memory() -> None:
    """Limits the address space where the system can; `TemplateProcess` watches the memory everywhere."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    sys.exit(main())
