"""Items of the model list: models, downloads and imports, in groups. Plain Python, no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.downloads.status import DownloadStatus
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.known_models.known import Known, find_known
from gptdesk.ui.model_names import entry_key, setting_of
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.services.models.model_jobs import JobView

Group = Literal["coming", "here", "known", "runs", "cache"]

GROUPS: Final[dict[Group, str]] = {
    "coming": "Downloads and imports",
    "here": "On this computer",
    "known": "To download",
    "runs": "Checkpoints of your runs",
    "cache": "In the Hugging Face cache",
}
"""Their titles, from top to bottom."""

_PLACES: Final[dict[str, Group]] = {
    "bundled": "here", "installed": "here", "linked": "here", "run": "runs", "cache": "cache", "known": "known",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Item:
    """One card.

    Attributes:
        key: identifies it; stays while the item changes.
        group: in which it is listed.
        entry: the model; ``None`` while it is being downloaded or imported.
        download: of the model, if any.
        job: that runs on the model, or imports it, if any.
    """

    key: str
    group: Group
    entry: LibraryEntry | None = None
    download: DownloadStatus | None = None
    job: JobView | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        if self.entry is not None:
            return self.entry.name
        if self.download is not None:
            return self.download.name
        return self.job.title if self.job else ""

    @property
    def coming_as(self) -> str:
        """Key under which `ModelDownloads` reports its progress; empty without a download."""
        return f"download:{self.download.number}" if self.download else ""

    @property
    def known(self) -> Known | None:
        """The known model that is being downloaded, if it is one."""
        return find_known(self.download.repo) if self.download else None

    @property
    def config(self) -> GPT2Config | None:
        """The model's shape, when it is known."""
        if self.entry is not None:
            return self.entry.config
        return self.known.config if self.known else None

    @property
    def more(self) -> bool:
        """Whether it is listed only when more models are asked for; one on its way always is."""
        return self.entry is not None and self.entry.more

    @property
    def model(self) -> str:
        """Name or folder by which the settings refer to it; empty when it is not on this computer."""
        return setting_of(self.entry) if self.entry else ""

    def matches(self, words: Sequence[str]) -> bool:
        """Whether its texts contain all these lower-case words."""
        if not words:
            return True
        entry, download = self.entry, self.download
        said = [self.name, GROUPS[self.group]]
        if entry is not None:
            said += [entry.repo, entry.note, entry.licence, entry.source, entry.kind]
        if download is not None:
            said += [download.repo]
        text = " ".join(said).lower()
        return all(word in text for word in words)


def engine_of(entry: LibraryEntry, engines: Sequence[EngineView]) -> EngineView | None:
    """The engine of a model, the first where it is loaded in several precisions; ``None`` if it is not loaded."""
    return next((engine for engine in engines if entry.path == engine.folder), None)


def changed_item(item: Item, downloads: Sequence[DownloadStatus], jobs: Sequence[JobView]) -> Item:
    """The item with the present state of its download and job."""
    if (old := item.download) is not None:
        item = replace(item, download=next((each for each in downloads if each.number == old.number), old))
    if (job := item.job) is not None:
        item = replace(item, job=next((each for each in jobs if each.number == job.number), job))
    return item


def make_items(
    entries: Sequence[LibraryEntry], downloads: Sequence[DownloadStatus], jobs: Sequence[JobView]
) -> list[Item]:
    """The items in the order of the list.

    The download of a known model takes the place of that model, so that a click on its button moves nothing.
    """
    coming = {download.repo.casefold(): download for download in downloads}
    known = {entry.repo.casefold() for entry in entries if entry.kind == "known"}
    about: dict[str, JobView] = {}
    for job in jobs:
        about.setdefault(job.about, job)
    items = [
        Item(key=f"download:{each.number}", group="coming", download=each)
        for each in downloads
        if each.repo.casefold() not in known
    ]
    items += [Item(key=f"job:{job.number}", group="coming", job=job) for job in jobs if not job.about]
    for entry in entries:
        if entry.kind == "known" and (download := coming.get(entry.repo.casefold())) is not None:
            items.append(Item(key=entry_key(entry), group="known", download=download))  # the same card
            continue
        key = entry_key(entry)
        items.append(Item(key=key, group=_PLACES[entry.kind], entry=entry, job=about.get(key) if key else None))
    order = list(GROUPS)
    return sorted(items, key=lambda item: order.index(item.group))


def next_item(before: Mapping[str, Item], now: Mapping[str, Item], gone: str, in_use: str) -> str:
    """Returns the key of the item to select when the selected one is gone.

    It is the item that the former one became, else its neighbour, else the model in use, else the first one.

    Args:
        before: the items that there were, by key.
        now: the items that there are, by key; at least one.
        gone: key of the item that was selected.
        in_use: the model in use, as in the settings.
    """
    if (item := before.get(gone)) is not None:
        same = next((key for key, other in now.items() if other.name == item.name), None)
        if same is not None:
            return same
        keys = [key for key, other in before.items() if other.group == item.group]
        place = keys.index(gone)
        for key in (*keys[place:], *reversed(keys[:place])):
            if key in now:
                return key
    used = (key for key, item in now.items() if item.entry is not None and item.model and item.model == in_use)
    return next(used, next(iter(now)))
