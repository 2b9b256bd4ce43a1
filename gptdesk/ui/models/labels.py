"""Texts of a model card: name, badge, note, figures and main action."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gptdesk.library.downloads.status import DownloadStatus
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.memory import memory_needed
from gptdesk.ui import number_format
from gptdesk.ui.model_names import title_of
from gptdesk.ui.models.items import Item
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.models.memory_check import Room
from gptdesk.ui.services.models.model_activation import InUse
from gptdesk.ui.services.models.model_jobs import JobView

SEPARATOR: Final = "  ·  "
_LICENCES: Final = {"mit": "MIT", "apache-2.0": "Apache 2.0"}
_DOING: Final = {"verify": "Verifying", "import": "Importing", "export": "Exporting", "remove": "Removing"}


@dataclass(frozen=True)
class Figure:
    """A number with its caption and the role of its colour."""

    value: str
    caption: str
    role: str = "text"


@dataclass(frozen=True)
class Face:
    """What a card shows.

    Attributes:
        title: the model's name.
        badge: word for its state, and the role of its colour; empty for none.
        note: line below the title, and the role of its colour.
        figures: columns at the right.
        share: progress of a download or job, 0 to 1; ``None`` without one.
        action: id of the main action, for `ModelsView.act`; empty for none.
        label: text of the main button.
        stop: text of the second button, such as "Cancel"; empty for none.
        tip: tooltip.
    """

    title: str
    badge: tuple[str, str] = ("", "muted")
    note: tuple[str, str] = ("", "muted")
    figures: tuple[Figure, ...] = ()
    share: float | None = None
    action: str = ""
    label: str = ""
    stop: str = ""
    tip: str = ""

    @property
    def spoken(self) -> str:
        """Badge, note and figures as one text for screen readers."""
        numbers = [f"{figure.value} {figure.caption}" for figure in self.figures]
        return ", ".join(part for part in (self.badge[0], self.note[0].replace(SEPARATOR, ", "), *numbers) if part)


def face(item: Item, in_use: InUse, room: Room, engine: EngineView | None = None, *, pinned: bool = False) -> Face:
    """The texts for the present state of an item.

    Args:
        item: the model, download or job.
        in_use: the model in use.
        room: memory available to another model.
        engine: of the model, if it is loaded.
        pinned: whether it stays in memory once it is loaded.
    """
    if item.download is not None:
        return _download_face(item, item.download)
    if item.entry is None:
        assert item.job is not None, "an item is a model, a download or a job"
        return _job_face(item.name, item.job)
    shown = _entry_face(item, item.entry, in_use, room)
    return replace(shown, badge=_memory_badge(shown.badge, engine is not None, pinned))


def licence_words(licence: str) -> str:
    """A licence as people write it: "MIT" for "mit"."""
    return _LICENCES.get(licence, licence)


def origin_words(entry: LibraryEntry) -> str:
    """What the model is, or where it comes from."""
    if entry.note:
        return entry.note.rstrip(".")
    if entry.kind == "run":
        return f"From the run {entry.source.replace(chr(92), '/').rpartition('/')[2]}"
    if entry.kind == "linked":
        return f"Linked to {entry.path}"
    if entry.repo:
        return f"From {entry.repo}"
    return f"Imported from {entry.source}" if entry.source else "In the models folder"


def speed_words(bytes_per_s: float) -> str:
    """12 MB/s."""
    return f"{number_format.memory(int(bytes_per_s))}/s"


def _entry_face(item: Item, entry: LibraryEntry, in_use: InUse, room: Room) -> Face:
    name, model = title_of(entry), item.model
    used = bool(model) and model == in_use.model
    licence = "licence not known" if entry.licence_unknown else licence_words(entry.licence)
    note = SEPARATOR.join(part for part in (origin_words(entry), licence) if part)
    shown = Face(title=name, note=(note, "muted"), figures=_figures(entry, room), tip=str(entry.path or entry.repo))
    changes: dict[str, Any] = {}
    if entry.state == "damaged":
        changes = {"badge": ("Damaged", "bad"), "note": (entry.problem, "bad"), "tip": entry.problem}
    elif entry.state == "missing":
        changes = {"action": "get", "label": "Download"}
    elif used and in_use.state is State.LOADING:
        changes = {
            "badge": ("Loading", "accent"),
            "note": (f"{number_format.percent(in_use.share)} read" if in_use.share else "Starting…", "accent"),
            "share": in_use.share,
            "stop": "Cancel",
        }
    elif used and in_use.state is not State.EMPTY:
        changes = {"badge": ("In use", "good"), "action": "play", "label": "Open Playground"}
    else:
        changes = {"action": "use", "label": "Use in Playground"}
        if entry.kind == "linked":
            changes["badge"] = ("Linked", "muted")
    if item.job is not None:
        job = _job_face(name, item.job)
        changes |= {"note": job.note, "share": job.share, "stop": job.stop}
    return replace(shown, **changes)


def _memory_badge(badge: tuple[str, str], loaded: bool, pinned: bool) -> tuple[str, str]:
    """The badge of a model, with what is to be said about its engine."""
    word, role = badge
    if role == "bad" or word == "Loading":
        return badge
    if loaded and role != "good":
        word, role = "Loaded", "good"
    if not pinned:
        return word, role
    return (f"{word}, pinned", role) if loaded else (word or "Pinned", role)


def _figures(entry: LibraryEntry, room: Room) -> tuple[Figure, ...]:
    shown = []
    if entry.parameters:
        shown.append(Figure(number_format.parameters(entry.parameters), "parameters"))
    if entry.size or entry.download:
        caption = "on disk" if entry.size else "to download"
        shown.append(Figure(number_format.memory(entry.size or entry.download), caption))
    if entry.config is not None:
        precision = entry.defaults.precision
        needed = number_format.memory(memory_needed(entry.config, precision))
        fits = room.fits(entry.config, precision)
        shown.append(Figure(needed, "memory" if fits else "memory: not enough", "text" if fits else "warn"))
    return tuple(shown)


def _job_face(name: str, job: JobView) -> Face:
    share = job.done / job.total if job.total else 0.0
    if job.stopping:
        words = "Stopping"
    elif not job.begun:
        words = "Queued"
    else:
        words = f"{_DOING[job.kind]}{SEPARATOR}{number_format.percent(share)}" if share else f"{_DOING[job.kind]}…"
    return Face(title=name, note=(words, "muted"), share=share, stop="" if job.stopping else "Cancel")


def _download_face(item: Item, view: DownloadStatus) -> Face:
    share = view.done / view.total if view.total else 0.0
    of = f"{number_format.memory(view.done)} of {number_format.memory(view.total)}" if view.total else ""
    action, label, badge, role = "pause", "Pause", ("", "muted"), "muted"
    if view.state == "downloading":
        parts = [of, speed_words(view.bytes_per_s) if view.bytes_per_s else ""]
        parts += [f"{number_format.span(view.seconds_left)} left" if view.seconds_left is not None else ""]
        if view.waiting:
            parts, role = [of, view.waiting], "warn"
    elif view.state == "verifying":
        parts = ["Verifying", number_format.percent(share)]
    elif view.state in ("resolving", "queued"):
        parts = [view.waiting or ("Contacting the hub…" if view.state == "resolving" else "Queued"), of]
    elif view.state == "paused":
        parts, action, label, badge = [of], "resume", "Resume", ("Paused", "muted")
    elif view.state == "failed":
        parts, action, label, badge, role = [view.error], "resume", "Retry", ("Failed", "bad"), "bad"
    else:
        parts, action, label = ["Ready"], "", ""
    note = SEPARATOR.join(part for part in parts if part)
    return Face(
        title=item.name, badge=badge, note=(note, role), action=action, label=label,
        stop="Dismiss" if view.state == "failed" else "Cancel",
        share=None if view.state == "failed" else share,
        tip=view.error or f"{view.repo}@{view.revision}".rstrip("@"),
    )  # fmt: skip


def added_words(added: str) -> str:
    """2 h ago: for a time in ISO 8601; empty for anything else."""
    try:
        return number_format.ago(max(0.0, time.time() - datetime.fromisoformat(added).timestamp()))
    except ValueError:
        return ""
