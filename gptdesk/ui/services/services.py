"""Interfaces of the services: what pages may use of documents, models, runs, inference, settings and messages.

Pages are typed against these protocols; the classes that implement them, named at each, own threads and files.
`gptdesk.ui.window.application.make_services` makes them. Signals are properties here, as their users see them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec
from PySide6.QtCore import QObject, SignalInstance

from gptdesk.folders import Folders
from gptdesk.training.index import RunIndex
from gptdesk.ui.services.background import Failed
from gptdesk.ui.services.comparison.service import ComparisonService
from gptdesk.ui.services.messages import ANY_PAGE, Message, Offer
from gptdesk.ui.services.models.service import ActivationService, LoadService, ModelService
from gptdesk.ui.services.reading.service import ReadingService
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.settings_service import SettingsService as SettingsService  # for pages
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.interventions.intervention import Intervention
    from gptdesk.inference.sampling.settings import DecodingSettings
    from gptdesk.program.updates import Release
    from gptdesk.store.backups.copies import Backup
    from gptdesk.store.catalog.catalog import Catalog
    from gptdesk.store.catalog.entry import DocumentSummary
    from gptdesk.store.database import OpenedDocument
    from gptdesk.store.snapshot import Snapshot
    from gptdesk.ui.services.engines.lease import EngineLease
    from gptdesk.ui.services.engines.plan import EngineChoice
    from gptdesk.ui.services.engines.service import EngineService
    from gptdesk.ui.services.generation import Generation
    from gptdesk.ui.services.inference_messages import ModelInfo, State

Result = TypeVar("Result")


class DocumentService(Protocol):
    """All documents on this computer; implemented by `DocumentStorage`."""

    @property
    def problems(self) -> Sequence[str]: ...
    @property
    def saved(self) -> SignalInstance: ...
    @property
    def failed(self) -> SignalInstance: ...
    @property
    def indexed(self) -> SignalInstance: ...
    def entries(self, most: int | None = None) -> list[DocumentSummary]: ...
    def open(self, id: str) -> OpenedDocument | None: ...
    def load(self, id: str) -> Snapshot | None: ...
    def save(self, snapshot: Snapshot) -> None: ...
    def change(self, work: Callable[[Catalog], Result]) -> Result: ...
    def run(
        self, work: Callable[[Catalog], Result], done: Callable[[Result], object] | None = None,
        failed: Failed | None = None,
    ) -> None: ...  # fmt: skip
    def update_index(self) -> None: ...
    @property
    def restored(self) -> SignalInstance: ...
    @property
    def read_only(self) -> str: ...
    @property
    def backup(self) -> Backup | None: ...
    def restore_backup(self, backup: Backup, done: Callable[[int], object], failed: Failed) -> None: ...
    def export_raw(self, id: str) -> bytes | None: ...
    def discard_damaged(self, id: str) -> None: ...


class MessageService(Protocol):
    """Toasts, banners and crash reports; implemented by `Messages`."""

    @property
    def banners(self) -> Mapping[str, Message]: ...
    @property
    def changed(self) -> SignalInstance: ...
    @property
    def toasted(self) -> SignalInstance: ...
    @property
    def document_left(self) -> SignalInstance: ...
    @property
    def crashed(self) -> SignalInstance: ...
    def toast(
        self, text: str, *, kind: str = "good", of_document: bool = False, offers: Sequence[Offer] = (),
        holds: Callable[[], bool] = ...,
    ) -> None: ...  # fmt: skip
    def show(
        self, text: str, *, kind: str = "bad", topic: str = "", page: str = ANY_PAGE, of_document: bool = False,
        offers: Sequence[Offer] = (),
    ) -> None: ...  # fmt: skip
    def show_again(self, topic: str) -> None: ...
    def solve(self, *topics: str) -> None: ...
    def refuse(self, text: str, page: str, *, of_document: bool = False) -> None: ...
    def succeed(self, text: str, page: str) -> None: ...
    def leave_document(self) -> None: ...
    def crash(self, traceback: str) -> None: ...


class InferenceService(Protocol):
    """The model that a page uses, completions by it, and leases on others; implemented by `Inference`."""

    @property
    def state(self) -> State: ...
    @property
    def info(self) -> ModelInfo | None: ...
    @property
    def current(self) -> Generation | None: ...
    @property
    def reads(self) -> ReadingService: ...
    @property
    def queued(self) -> int: ...
    @property
    def busy(self) -> bool: ...
    @property
    def loading(self) -> str | None: ...
    @property
    def missing_devices(self) -> Mapping[str, str]: ...
    @property
    def state_changed(self) -> SignalInstance: ...
    @property
    def progress(self) -> SignalInstance: ...
    @property
    def load_failed(self) -> SignalInstance: ...
    def generate(
        self, prompt: str | MixedText, settings: DecodingSettings, *, owner: QObject, backend: str = "",
        intervention: Intervention = ...,
    ) -> Generation: ...  # fmt: skip
    def cancel_load(self) -> None: ...
    def unload(self) -> None: ...
    def wake(self) -> None: ...
    @property
    def engines(self) -> EngineService: ...
    def lease(self, choice: EngineChoice, owner: QObject) -> EngineLease: ...


class OwnModelService(Protocol):
    """The model of a page that may use another one than the Playground; implemented by `OwnModel`."""

    @property
    def services(self) -> Services: ...
    def use(self, model: str) -> None: ...
    def share(self) -> None: ...
    def follow(self, run: Path) -> None: ...
    def stop_following(self, run: Path) -> None: ...
    def show(self) -> None: ...
    def close(self) -> None: ...


class TokenCountService(Protocol):
    """Counts the tokens of a text in the background; implemented by `TokenCounter`."""

    @property
    def counted(self) -> SignalInstance: ...
    def count(self, text: str | MixedText, prompt_end: int, place: int | None = None) -> None: ...
    def forget(self) -> None: ...
    def use(self, tokenizer: Tokenizer, n_positions: int = 0) -> None: ...


class ProgramService(Protocol):
    """The newest version, the licences of the libraries, and the desktop's wish; implemented by `ProgramInfo`."""

    @property
    def newer_found(self) -> SignalInstance: ...
    @property
    def reduced_motion(self) -> bool: ...
    def newest_release(self, done: Callable[[Release], object], failed: Failed) -> None: ...
    def licences(self, done: Callable[[str], object]) -> None: ...


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The services of one window, made once and handed to its pages."""

    folders: Folders
    theme: Theme
    messages: MessageService
    settings: SettingsService
    storage: DocumentService
    inference: InferenceService
    counter: TokenCountService
    loader: LoadService
    models: ModelService
    activation: ActivationService
    runs: RunIndex
    run_monitor: RunService
    program: ProgramService
    comparisons: ComparisonService

    def own_model(self, page: QObject) -> OwnModelService:
        """Services for a page that may use another model than the Playground.

        Raises:
            NotImplementedError: they are such services already.
        """
        raise NotImplementedError
