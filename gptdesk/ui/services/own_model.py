"""A model of a page's own: settings that keep it apart from the Playground's, and the services that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, SignalInstance

from gptdesk.store.settings import Settings
from gptdesk.ui.services.checkpoint_follower import CheckpointFollower
from gptdesk.ui.services.engines.page_session import PageSession
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.models.model_activation import ModelActivation
from gptdesk.ui.services.models.model_library import ModelLibrary
from gptdesk.ui.services.models.model_loader import ModelLoader
from gptdesk.ui.services.services import Services
from gptdesk.ui.services.settings_service import SettingsService

_OWN: Final = {"model": "chat_model", "device": "chat_device", "precision": "chat_precision"}
"""Settings that the page has of its own, and where they are kept."""


class OwnModelSettings(QObject):
    """The settings as the Chat page sees them: with its own model, once another than the Playground's is chosen there.

    Choosing the Playground's model, device and precision again makes it use the Playground's again. While the page
    follows a run, its model is its own; to stop following leaves the Playground as it is.
    """

    def __init__(self, shared: SettingsService, parent: QObject) -> None:
        super().__init__(parent)
        self._shared = shared
        self._read = self._value = shared.value
        self._adapt()

    @property
    def value(self) -> Settings:
        if self._read is not self._shared.value:
            self._adapt()
        return self._value

    @property
    def problems(self) -> Sequence[str]:
        return self._shared.problems

    @property
    def changed(self) -> SignalInstance:
        return self._shared.changed

    @property
    def saved(self) -> SignalInstance:
        return self._shared.saved

    @property
    def failed(self) -> SignalInstance:
        return self._shared.failed

    def update(self, **changes: Any) -> None:
        """Changes some fields.

        Raises:
            UserError: when a value is out of range.
        """
        shared = self._shared.value
        if "follow" in changes:
            changes["chat_follow"] = changes.pop("follow")
        run = changes.get("chat_follow", shared.chat_follow)
        if run and "model" in changes and Path(run) not in Path(changes["model"]).parents:
            run = changes["chat_follow"] = None
        is_chosen = not _OWN.keys().isdisjoint(changes)
        if is_chosen or "chat_follow" in changes:
            own = {name: changes.pop(name, getattr(self.value, name)) for name in _OWN}
            shares = is_chosen and not run and all(own[name] == getattr(shared, name) for name in _OWN)
            changes |= {_OWN[name]: "" if shares else value for name, value in own.items()}
        self._shared.update(**changes)

    def zoom(self, step: int) -> None:
        self._shared.zoom(step)

    def flush(self) -> None:
        self._shared.flush()

    def _adapt(self) -> None:
        self._read = self._value = value = self._shared.value
        if value.chat_model:
            own = {name: getattr(value, kept) or getattr(value, name) for name, kept in _OWN.items()}
            self._value = replace(value, follow=value.chat_follow, **own)


class OwnModel(QObject):
    """The model of the Chat page. It is loaded when the page is shown for the first time.

    Args:
        services: of the window.
        models: library.
        session: of the page.
        parent: the page.

    Attributes:
        services: those of the window, with settings, session, loader and activation of the page's own model.
    """

    def __init__(self, services: Services, models: ModelLibrary, session: PageSession, parent: QObject) -> None:
        super().__init__(parent)
        self._playground, self._session, self._shared = services.inference, session, services.settings
        settings = OwnModelSettings(services.settings, self)
        self._loader = ModelLoader(settings, session, self)
        self._shown = False
        own: dict[str, Any] = {name: getattr(services, name) for name in Services.__struct_fields__}
        own |= {"settings": settings, "inference": session, "loader": self._loader}
        own["activation"] = ModelActivation(settings, session, models, self._loader, self)
        self.services = Services(**own)

    @cached_property
    def _follower(self) -> CheckpointFollower:
        """Made when the page is shown: until then, it needs no model."""
        return CheckpointFollower(self.services, self, "chat_follow")

    def use(self, model: str) -> None:
        """Uses the model of that name, or in that folder.

        The checkpoint of a run that the Playground follows is followed here as well, from the next one on.
        """
        followed = self._shared.value.follow
        if followed and Path(followed) in Path(model).parents:
            self._follower.follow_next(Path(followed))
        self.services.settings.update(model=model)

    def share(self) -> None:
        """Uses the model of the Playground."""
        self._shared.update(chat_model="", chat_follow=None)

    def follow(self, run: Path) -> None:
        """Follows the run in that folder; the Playground stays as it is."""
        self._follower.follow(run)

    def stop_following(self, run: Path) -> None:
        """Stops following the run in that folder; the present checkpoint stays."""
        self._follower.stop(run)

    def show(self) -> None:
        """The page is shown: loads its model, the first time, and again where it was unloaded for another one.

        Where the page uses the Playground's model, it is also loaded again once the Playground has it again.
        """
        shares = not self._shared.value.chat_model
        if not self._shown:
            self._loader.start()
            self._follower.look()
        elif shares and self._session.state is State.EMPTY and self._playground.state is not State.EMPTY:
            self._loader.load()
        self._shown = True
        self._session.wake()

    def close(self) -> None:
        """The page is closed: gives up its model."""
        self._session.release()
