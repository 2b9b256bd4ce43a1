"""The engines that are loaded, within a memory budget: loads, shares and unloads them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from gptdesk.devices import missing_devices
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.engines.budget import Taken, budget_of, judge, share_of
from gptdesk.ui.services.engines.engine_host import EngineClient, EngineHost
from gptdesk.ui.services.engines.plan import COMPUTER, Plan, make_plan
from gptdesk.ui.services.engines.request import EngineRequest
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.services.inference_messages import Failure
from gptdesk.ui.services.inference_worker import warm_up
from gptdesk.ui.services.provenance.weights_hasher import WeightsHasher

log = logging.getLogger(__name__)

_CANCELLED: Final = Failure()


class EnginePool(QObject):
    """Engines by model folder, device and precision. An engine is there while somebody uses it, or it is pinned.

    Where the next one does not fit into the budget, those that nobody generates with are unloaded, the least recently
    used first; the request waits until their memory is free. Requests are served in the order in which they came.

    Args:
        find: returns the folder of a model by its name; raises `UserError` when there is none. Called in a thread.
        keep: folder for quantized copies of models; ``None`` keeps none.

    Attributes:
        missing_devices: devices that are not there, by name, each with the reason; empty until torch is imported.
        setting: bytes that models may take of the computer's memory; 0 for a share of what is free.

    Signals:
        changed(): emitted when engines are loaded or unloaded, or are pinned.
    """

    changed = Signal()

    def __init__(self, find: Callable[[str], Path], keep: Path | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._find, self._keep = find, keep
        self.missing_devices: Mapping[str, str] = {}
        self.setting = 0
        self._pins: frozenset[str] = frozenset()
        self._hosts: list[EngineHost] = []  # those that are being unloaded, too
        self._requests: list[EngineRequest] = []  # in the order in which they came
        self._clients: list[EngineClient] = []
        self._serving = self._again = False
        self._planning = TaskQueue("engine plans", self)
        self._hasher = WeightsHasher(self)
        self._hasher.hashed.connect(self._on_hashed)

    # For the Models page and settings

    @property
    def engines(self) -> tuple[EngineView, ...]:
        """The engines that are loaded, in the order in which they were asked for."""
        loaded = (host for host in self._hosts if host.info is not None and not host.closing)
        return tuple(host.view(self._is_pinned(host)) for host in loaded)

    @property
    def pins(self) -> Collection[str]:
        """Names or folders of the models that stay."""
        return self._pins

    def budget(self, free: int | None) -> int | None:
        """Bytes that models may take of the computer's memory, of which ``free`` are free; ``None`` if not known."""
        return self.setting or (share_of(free, self._taken(COMPUTER)) if free is not None else None)

    @property
    def evictable(self) -> int:
        """Bytes of the computer's memory that are freed when all engines are unloaded that are not pinned."""
        return sum(
            host.info.memory
            for host in self._hosts
            if host.info is not None and host.plan.place == COMPUTER and not self._is_pinned(host)
        )

    def set_budget(self, setting: int) -> None:
        """Sets the bytes that models may take of the computer's memory; 0 for a share of what is free.

        What is loaded stays until something else is asked for.
        """
        if setting != self.setting:
            self.setting = setting
            for request in self._requests:
                self._set_budget_of(request)
            self._serve()
            self.changed.emit()

    def set_pins(self, models: Collection[str]) -> None:
        """Sets the models, by name or folder, whose engines stay loaded though nobody uses them."""
        if frozenset(models) != self._pins:
            self._pins = frozenset(models)
            for host in tuple(self._hosts):
                self._close_unused(host)
            self._serve()
            self.changed.emit()

    def unload(self, model: str) -> None:
        """Unloads the engines of a model, by name or folder; generations with them end."""
        for host in tuple(self._hosts):
            if host.info is not None and not host.closing and model in host.names:
                self._evict(host, reload=False)
        self.changed.emit()

    # For sessions

    def start(self) -> None:
        """Begins to import what models need, in the background."""
        self._planning.run(_warm_up, self._on_warm)

    def join(self, client: EngineClient) -> None:
        """A client is there: its background reads begin when no engine generates."""
        self._clients.append(client)

    def forget(self, client: EngineClient) -> None:
        """A client was deleted: what it asked for is cancelled, and engines that it alone has used are unloaded."""
        self._clients = [each for each in self._clients if each is not client]
        for request in [each for each in self._requests if each.client is client]:
            self.drop(request)
        for host in tuple(self._hosts):
            host.forget(client)
            self._close_unused(host)
            host.go_on()

    @property
    def generating(self) -> bool:
        """Whether any engine generates."""
        return any(host.generating for host in self._hosts)

    def request(self, request: EngineRequest) -> None:
        """Asks for an engine. It is shared with others that ask for the same."""
        self._requests.append(request)
        self._planning.run(partial(make_plan, request.choice, self._find), partial(self._on_planned, request))

    def cancel(self, request: EngineRequest) -> None:
        """The client has cancelled: it is refused with an empty `Failure`, now or when the file being read is done."""
        if request not in self._requests:
            return
        if request.host is not None and self._waiting_for(request.host) == [request]:
            request.host.cancel_load()
        else:
            self.drop(request)
            request.refused(_CANCELLED)

    def drop(self, request: EngineRequest) -> None:
        """Nobody wants it any more, and nobody is told."""
        if request in self._requests:
            self._requests.remove(request)
            if request.host is not None:
                self._close_unused(request.host)
            self._serve()

    def leave(self, host: EngineHost, client: EngineClient) -> None:
        """A client does not use an engine any more."""
        host.remove(client)
        self._close_unused(host)
        host.go_on()

    def shut_down(self, milliseconds: int) -> bool:
        """Ends everything; returns whether each thread ended in time."""
        self._requests.clear()
        ended = self._planning.shut_down(milliseconds)
        for host in self._hosts:
            host.cancel_load()
        ended = self._hasher.shut_down(milliseconds) and ended
        for host in self._hosts:
            ended = host.end(milliseconds) and ended
        return ended

    # Loading and unloading

    def _on_warm(self, missing: Mapping[str, str]) -> None:
        self.missing_devices = missing

    def _on_planned(self, request: EngineRequest, plan: Plan | Failure) -> None:
        if request not in self._requests:
            return
        if isinstance(plan, Failure):
            self._refuse(request, plan)
            return
        request.plan = plan
        self._set_budget_of(request)
        self._serve()

    def _set_budget_of(self, request: EngineRequest) -> None:
        if request.plan is not None:
            request.budget = budget_of(request.plan, self.setting, self._taken(request.plan.place))

    def _serve(self) -> None:
        """Loads what was asked for, as far as there is room."""
        self._again = True
        if self._serving:  # whoever is told below may have asked for something
            return
        self._serving = True
        while self._again:
            self._again = False
            for request in [each for each in self._requests if each.plan is not None and each.host is None]:
                if not self._serve_one(request):
                    break
        self._serving = False

    def _serve_one(self, request: EngineRequest) -> bool:
        """Returns whether the next one's turn has come."""
        plan = request.plan
        assert plan is not None, "it is planned"
        if request not in self._requests:
            return True
        same = next((host for host in self._hosts if host.plan.key == plan.key and not host.closing), None)
        if same is not None:
            request.host = same
            if same.info is not None:
                self._hand_over(request, same)
            return True
        verdict = judge(plan, request.budget, self.setting, self._taken(plan.place))
        if verdict.kind == "refuse":
            self._refuse(request, Failure(verdict.sentence))
        elif verdict.kind == "load":
            self._load(request, plan)
        for host in [each for each in self._hosts if each.plan.key in verdict.unload and each.idle]:
            log.info("%s is unloaded for %s", host.plan.choice.model, plan.choice.model)
            self._evict(host, reload=True)
        return verdict.kind != "wait"

    def _load(self, request: EngineRequest, plan: Plan) -> None:
        host = EngineHost(plan, self._keep, self)
        self._hosts.append(host)
        request.host = host
        host.progress.connect(self._on_progress)
        host.load_ended.connect(self._on_load_ended)
        host.turn_begins.connect(self._on_turn_begins)
        host.free.connect(self._on_free)
        host.closed.connect(self._on_closed)
        host.load()

    def _waiting_for(self, host: EngineHost) -> list[EngineRequest]:
        return [request for request in self._requests if request.host is host]

    def _on_progress(self, host: EngineHost, done: int, total: int) -> None:
        for request in self._waiting_for(host):
            request.progressed(done, total)

    def _on_load_ended(self, host: EngineHost, failure: Failure | None) -> None:
        waiting = self._waiting_for(host)
        if failure is not None:
            host.close()
            for request in waiting:
                self._refuse(request, failure)
        elif not host.closing:
            for request in waiting:
                self._hand_over(request, host)
            if host.info is not None and host.info.folder is not None:
                self._hasher.hash(host.info.folder)
            self._close_unused(host)
        self._serve()
        self.changed.emit()

    def _hand_over(self, request: EngineRequest, host: EngineHost) -> None:
        if request in self._requests:  # else it was dropped by who was told before
            self._requests.remove(request)
            host.add(request.client)
            request.got(host)

    def _refuse(self, request: EngineRequest, failure: Failure) -> None:
        if request in self._requests:
            self._requests.remove(request)
            request.refused(failure)

    def _close_unused(self, host: EngineHost) -> None:
        """Unloads an engine that nobody uses, waits for or has pinned."""
        if not host.clients and not self._waiting_for(host) and not self._is_pinned(host):
            self._close(host)

    def _evict(self, host: EngineHost, *, reload: bool) -> None:
        self._close(host)
        for client in tuple(host.clients):
            host.remove(client)
            client.on_lost(reload=reload)

    def _close(self, host: EngineHost) -> None:
        if not host.closing:
            host.close()
            folder = host.plan.key.folder
            if all(other.closing or other.plan.key.folder != folder for other in self._hosts):
                self._hasher.forget(folder)
            self.changed.emit()

    def _on_closed(self, host: EngineHost) -> None:
        if host in self._hosts:
            self._hosts.remove(host)
            host.deleteLater()
            self._serve()

    # What hosts say

    def _on_turn_begins(self, prompt: str | MixedText) -> None:
        for client in self._clients:
            client.reads.give_way(prompt)

    def _on_free(self) -> None:
        self._serve()
        if not self.generating:
            for client in self._clients:
                client.reads.begin()

    def _on_hashed(self, folder: Path, weights: str) -> None:
        for host in self._hosts:
            if host.info is not None and host.info.folder == folder:
                host.set_weights(weights)

    # What there is

    def _taken(self, place: str) -> list[Taken]:
        return [host.taken(self._is_pinned(host)) for host in self._hosts if host.plan.place == place]

    def _is_pinned(self, host: EngineHost) -> bool:
        return not self._pins.isdisjoint(host.names)


def _warm_up() -> Mapping[str, str]:
    """Imports the engine; torch with it where there may be a GPU. Returns the devices that are missing."""
    warm_up()
    return missing_devices()
