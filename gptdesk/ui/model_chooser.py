"""Two buttons with menus: the model in use, and its device, precision and threads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.devices import DEVICES, PERPLEXITY_LOSS, PRECISIONS, physical_cores
from gptdesk.library.catalogue import BUNDLED
from gptdesk.library.entry import LibraryEntry
from gptdesk.store.settings import titles_of
from gptdesk.ui import number_format
from gptdesk.ui.model_names import model_title, setting_of
from gptdesk.ui.services.inference_messages import ModelInfo, State
from gptdesk.ui.services.models.service import ActivationService
from gptdesk.ui.services.services import InferenceService, Services, SettingsService
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_DEVICE_NAMES: Final = titles_of("device")
_NARROWEST: Final = 140
"""Least width of the model's name, in pixels."""

_THREADS: Final = (2, 4, 8, 16, 32)
"""Thread counts offered beside 1 and the number of cores."""


def ask_for_model_folder(activation: ActivationService, window: QWidget) -> None:
    """Asks for the folder of a model, and uses that model."""
    folder = QFileDialog.getExistingDirectory(window, "Open a model's folder", str(Path.home()))
    if folder:
        activation.use(folder, window)


def unload_label(info: ModelInfo | None) -> str:
    """Unload the model (frees 412 MB)."""
    return "Unload the model" + (f" (frees {number_format.memory(info.memory)})" if info is not None else "")


class ModelChooser(MenuButton):
    """Shows the model in use; its menu lists the installed models.

    Args:
        stop_following: id of the command that stops following a run.

    Signals:
        models_wanted(): emitted when the person asks for more models.
    """

    models_wanted = Signal()

    def __init__(
        self,
        services: Services,
        commands: Commands,
        stop_following: str,
        parent: QWidget | None = None,
    ) -> None:
        menu = Menu()
        super().__init__("field", menu, parent)
        self._stop_following = stop_following
        self._settings, self._inference = services.settings, services.inference
        self._models, self._using, self._commands = services.models, services.activation, commands
        self._menu = menu
        self.setAccessibleName("Model")
        self.setMinimumWidth(_NARROWEST)
        menu.aboutToShow.connect(self._fill)
        services.settings.changed.connect(self._show)
        services.inference.state_changed.connect(self._show)
        self._show()

    def open_folder(self) -> None:
        """Asks for the folder of a model and uses it."""
        ask_for_model_folder(self._using, self.window())

    def choose(self, model: str) -> None:
        """Uses the model of that name, or in that folder."""
        self._using.use(model, self.window())

    def _show(self) -> None:
        info, model = self._inference.info, self._settings.value.model
        size = f"  ·  {number_format.parameters(info.parameters)}" if info else ""
        follow = self._settings.value.follow
        following = "  ·  following" if follow else ""
        self.setText(f"{model_title(model)}{size}{following}")
        self.setAccessibleDescription(f"{model}{size}")
        run = f" Goes on with each new checkpoint of the run “{Path(follow).name}”." if follow else ""
        self.setToolTip(wrapped(_tip(info) + run))

    def _fill(self) -> None:
        self._menu.clear()
        self._commands.refresh(self._stop_following)
        found = [entry for entry in self._models.entries if _listed(entry)]
        for entry in found:
            self._add(setting_of(entry), f"{entry.name}  ·  {number_format.parameters(entry.parameters)}")
        if self._models.looked and not any(entry.kind == "bundled" for entry in found):
            missing = self._menu.addAction(f"{BUNDLED}  ·  not installed")
            missing.setEnabled(False)
        known = {setting_of(entry) for entry in found}
        folders = [model for model in self._settings.value.recent_models if Path(model).is_absolute()]
        recent = [folder for folder in folders if folder not in known]
        if recent:
            self._menu.addSeparator()
            for folder in recent:
                self._add(folder, model_title(folder), folder)
        model = self._settings.value.model
        if model not in known and model not in recent:
            self._menu.addSeparator()
            self._add(model, model_title(model), model)
        if self._settings.value.follow:
            self._menu.addAction(self._commands.action(self._stop_following))
        self._menu.addSeparator()
        self._menu.addAction("More models…", self.models_wanted.emit)
        self._menu.addAction("Open folder…", self.open_folder)

    def _add(self, model: str, title: str, tip: str = "") -> None:
        action = self._menu.addAction(title, lambda: self.choose(model))
        action.setCheckable(True)
        action.setChecked(model == self._settings.value.model)
        action.setToolTip(wrapped(tip))
        self._menu.setToolTipsVisible(True)


_NOTHING: Final[Mapping[str, str]] = {}
_DEVICE_HELP: Final = "Device, precision of the weights, and their size in memory"


class DeviceButton(MenuButton):
    """Shows device, precision and memory of the model; its menu changes them."""

    def __init__(self, settings: SettingsService, inference: InferenceService, parent: QWidget | None = None) -> None:
        menu = Menu()
        super().__init__("muted", menu, parent)
        self._settings, self._inference = settings, inference
        self._menu = menu
        self.setAccessibleName("Device and precision")
        menu.aboutToShow.connect(self._fill)
        inference.state_changed.connect(self._show)
        self._show()

    def minimumSizeHint(self) -> QSize:
        """Its full width: in a narrow window, the name of the model is shortened instead."""
        return self.sizeHint()

    def _show(self) -> None:
        info = self._inference.info
        self.setToolTip(wrapped(_DEVICE_HELP))
        if info:
            device = info.device.upper() if info.device == "cpu" else info.device
            self.setText(f"{device} · {info.precision} · {number_format.memory(info.memory)}")
            if info.backend == "numba":
                self.setToolTip(wrapped(f"{_DEVICE_HELP}. Decoded by compiled code."))
        else:
            self.setText("Loading…" if self._inference.state is State.LOADING else "Not loaded")

    def _fill(self) -> None:
        self._menu.clear()
        names = {name: _DEVICE_NAMES[name] for name in DEVICES}
        self._section("Device", "device", names, self._inference.missing_devices)
        self._section("Precision", "precision", {name: _precision_name(name) for name in PRECISIONS})
        cores = physical_cores()
        counts = sorted({1, cores, *(count for count in _THREADS if count < cores)})
        self._section("Threads on the CPU", "threads", {0: "Automatic", **{count: str(count) for count in counts}})
        info = self._inference.info
        self._menu.addAction(unload_label(info), self._inference.unload).setEnabled(info is not None)

    def _section(
        self, title: str, setting: str, choices: Mapping[Any, str], missing: Mapping[str, str] = _NOTHING
    ) -> None:
        """Lists the choices; unavailable ones are disabled and say why."""
        heading = self._menu.addAction(title)
        heading.setEnabled(False)
        for value, name in choices.items():
            why = missing.get(value, "")
            action = self._menu.addAction(f"{name}: {why}" if why else name)
            action.triggered.connect(partial(self._choose, setting, value))
            action.setEnabled(not why)
            action.setCheckable(True)
            action.setChecked(value == getattr(self._settings.value, setting))
        self._menu.addSeparator()

    def _choose(self, setting: str, value: Any, *_: bool) -> None:
        self._settings.update(**{setting: value})


def _tip(info: ModelInfo | None) -> str:
    """Tooltip of the model in use: its tokenizer."""
    if info is None:
        return "Model in use."
    assumed = ", assumed: its folder has none" if info.assumed_tokenizer else ""
    return f"Model in use. Tokenizer: {info.tokenizer.name}{assumed}."


def _precision_name(name: str) -> str:
    """The name with the increase in perplexity, measured on the bundled model."""
    words = _DEVICE_NAMES.get(name, name)
    if name in PERPLEXITY_LOSS:
        loss = 100 * PERPLEXITY_LOSS[name]
        words += f" · perplexity +{number_format.decimal(loss, 0 if loss >= 1 else 2)} %"
    return words


def _listed(entry: LibraryEntry) -> bool:
    """Whether the menu lists it; checkpoints are chosen on the Train page."""
    return entry.state == "ready" and entry.kind in ("bundled", "installed", "linked", "cache")
