"""Types and ranges of the fields in a run directory's JSON; invalid ones are dropped and named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, convert, read_object
from gptdesk.errors import brief
from gptdesk.metrics import METRICS, contained

_Word = Annotated[str, msgspec.Meta(max_length=500)]
_Text = Annotated[str, msgspec.Meta(max_length=1 << 20)]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]
_Code = Annotated[int, msgspec.Meta(ge=-(2**32), le=2**32)]
_Real = Annotated[float, msgspec.Meta(gt=-1e300, lt=1e300)]
_Time = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Seconds since 1970 that a calendar can show."""

Kinds = Mapping[str, Any]

RUN_FIELDS: Final[Kinds] = MappingProxyType({"format": _Whole, "id": _Word, "t": _Time, "config": dict})

LAUNCH_FIELDS: Final[Kinds] = MappingProxyType(
    {
        "t": _Time,
        "name": _Word,
        "launcher": dict,
        "segment": int,
        "console": _Whole,
        "code": _Code | None,
        "pid": _Whole,
    }
)

STATUS_FIELDS: Final[Kinds] = MappingProxyType(
    {
        "state": _Word,
        "segment": _Whole,
        "pid": _Whole,
        "host": _Word,
        "boot_id": _Word,
        "heartbeat": _Time,
        "step": _Whole,
        "steps": _Whole,
        "tokens": _Whole,
        "loss": _Real | None,
        "val_loss": _Real | None,
        "best_loss": _Real | None,
        "final_loss": _Real | None,
        "best_step": _Whole,
        "seconds_left": _Real | None,
        "checkpoint": _Word,
        "checkpoint_time": _Time,
        "reason": _Text,
        "degraded": _Text,
    }
)

EXIT_FIELDS: Final[Kinds] = MappingProxyType(
    {
        "state": _Word,
        "t": _Time,
        "segment": _Whole,
        "step": _Whole,
        "code": _Code,
        "reason": _Text,
        "cause": _Word,
        "rank": _Whole,
        "traceback": _Text,
    }
)

EVENT_FIELDS: Final[Kinds] = MappingProxyType(
    {
        **dict.fromkeys(("seq", "seg", "step", "steps", "best_step", "parameters", "context_length"), _Whole),
        **dict.fromkeys(("tokens_per_step", "train_tokens", "val_tokens", "processes", "threads"), _Whole),
        **dict.fromkeys(("tokens", "epoch", "val_loss", "seconds"), _Real | None),
        **{key: _Real | None for each in METRICS if not each.container for key in each.keys},
        **dict.fromkeys(contained(), dict),
        **dict.fromkeys(("ev", "id", "action", "folder", "device", "precision", "torch", "state", "cause"), _Word),
        **dict.fromkeys(("compiled", "best", "done"), bool),
        "t": _Time,
        "args": dict,
        "reason": _Text,
        "refused": _Text,
    }
)


def checked(values: Mapping[str, Any], kinds: Kinds) -> tuple[dict[str, Any], list[str]]:
    """The entries that are of their kind or of no known name, and the names of those that are not."""
    sound, odd = {}, []
    for name, value in values.items():
        if name in kinds:
            try:
                convert(value, kinds[name])
            except msgspec.ValidationError:
                odd.append(name)
                continue
        sound[name] = value
    return sound, odd


def read_fields(path: Path, kinds: Kinds) -> tuple[dict[str, Any], str]:
    """What can be used of a JSON file, and a clause about what cannot; both are empty where there is no file."""
    try:
        values, odd = checked(read_object(path), kinds)
    except (FileNotFoundError, NotADirectoryError):
        return {}, ""
    except OSError as error:
        return {}, f"{path.name} cannot be read ({error.strerror})"
    except ContentError as error:
        return {}, f"{path.name} cannot be read: {error}"
    return values, f"{path.name} has values that cannot be used: {brief(', '.join(odd))[1:-1]}" if odd else ""
