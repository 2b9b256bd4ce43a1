"""Marks what changes the open document, which is refused where documents can only be read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")


class _Refusing(Protocol):
    """What has documents that may be read-only, and says so when it refuses."""

    def refuses(self) -> bool: ...


S = TypeVar("S", bound=_Refusing)


def changes_document(method: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
    """The method, which does nothing where ``refuses()`` returns True."""

    @wraps(method)
    def unless_refused(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not self.refuses():
            method(self, *args, **kwargs)

    return unless_refused
