"""Settings of the person: one typed object; `settings_file` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec

from gptdesk.bounded_read import convert
from gptdesk.devices import DEVICES, MOST_THREADS, PRECISIONS
from gptdesk.errors import UserError
from gptdesk.hub.endpoint import check_endpoint
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.program.updates import ADDRESS, check_address
from gptdesk.store.setting_fields import (
    Choice,
    Folder,
    Number,
    Switch,
    Text,
    check_stored,
    setting,
    settings_of,
    stored,
)

SMALLEST_TEXT: Final = 10
LARGEST_TEXT: Final = 40
RECENT_MODELS: Final = 8
RECENT_COMMANDS: Final = 20
LONGEST_PRESET_NAME: Final = 40
MOST_MEMORY: Final = 16 * 10**6
"""Megabytes: more than any computer has."""

_Plain = str | int | float | bool | list[Any] | None


def _one_of(*names: str) -> Any:
    """A type that msgspec checks: one of these texts."""
    return Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(names)})$")]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings. Those of the dialog are declared with `setting`, others with `stored`.

    Attributes:
        model: name or folder of the model.
        recent_models: folders opened lately, newest first.
        pinned_models: names or folders of models that stay in memory once they are loaded.
        decoding: decoding settings of the open document.
        new_document_decoding: decoding settings for new documents.
        presets: the person's own, by name.
        document: id of the document that was open last.
        chat: id of the document that was open last on the Chat page.
        chat_model: name or folder of the model of chats; empty: that of the Playground.
        chat_follow: folder of the run whose newest checkpoint is the model of chats.
        chat_device: device of the model of chats, if that is not the Playground's.
        chat_precision: precision of the model of chats, if that is not the Playground's.
        chat_template: id of the template of chats; empty: that of the model, or else plain names.
        folder: of the file that was opened or saved last, if any.
        page: id of the page that was open last; the first page is shown where none has it.
        run: folder of the training run that was looked at last.
        follow: folder of the run whose newest checkpoint is the model, if any.
        token_view: whether tokens are coloured by how probable they are.
        token_measure: figure of a token by which it is coloured.
        token_borders: whether a line separates neighbouring tokens.
        token_ids: whether the ids stand below the tokens.
        documents_shown: whether the list of documents is shown beside the text.
        branches_shown: whether the tree of branches is shown beside the text.
        inspect_shown: whether the layers of the model are shown under the text.
        documents_order: key of the order of that list.
        welcome_seen: whether the cards of the first start have been seen.
        comparison: columns, prompt and view of the Compare page; plain values by name.
        charts: how the curves of runs are drawn; numbers, words and truths by name.
        closed_groups: headings of the groups that are closed in the decoding panel.
        shortcuts: keys by id of the command, where they differ from the defaults.
        recent_commands: ids of the commands that ran last, newest first.

    Raises:
        UserError: when a value is of the wrong type or out of range.
    """

    theme: str = setting(
        "system",
        title="Theme",
        help="Light or dark. System follows the choice of your desktop.",
        page="General",
        control=Choice(titles={"system": "System", "light": "Light", "dark": "Dark"}),
    )
    text_size: int = setting(
        18,
        title="Text size",
        help="Height of the text that you and the model write.",
        page="General",
        control=Number(lowest=SMALLEST_TEXT, highest=LARGEST_TEXT, unit="pixels"),
    )
    reading_face: str = setting(
        "serif",
        title="Text font",
        help="Typeface of the text that you and the model write.",
        page="General",
        control=Choice(titles={"serif": "Literata (serif)", "sans": "Inter (sans serif)", "mono": "Monospaced"}),
    )
    marks: bool = setting(
        True,
        title="Mark generated text",
        help="Tint the newest generation, and show a bar in the margin beside everything that was generated.",
        page="General",
        control=Switch(),
    )
    fade_tokens: bool = setting(
        True,
        title="Fade tokens in",
        help="A token appears in colour, the stronger the less probable it was, and fades to the colour of the text. "
        "Off where the desktop shows no animations, and in the token view.",
        page="General",
        control=Switch(),
    )
    suggestions: bool = setting(
        False,
        title="Suggest while typing",
        help="When you pause at the end of the text, the most probable next words appear in grey. Tab takes them, "
        "Ctrl+Right one word, Esc shows others. Off while the computer saves power.",
        page="General",
        control=Switch(),
    )
    completions: int = setting(
        4,
        title="Completions side by side",
        help="How many completions Generate several writes at once. Together they take far less time than one by one.",
        page="General",
        control=Number(lowest=2, highest=8),
    )
    desktop_notifications: bool = setting(
        True,
        title="Desktop notifications",
        help="Show a notification on the desktop when a run finishes or fails while you use another program.",
        page="General",
        control=Switch(),
    )
    model: Annotated[str, msgspec.Meta(min_length=1)] = stored("stories", what="a name or a folder")
    recent_models: tuple[str, ...] = stored((), what="a list of folders")
    pinned_models: tuple[str, ...] = stored((), what="a list of models")
    device: str = setting(
        "auto",
        title="Device",
        help="What the model computes on. Automatic uses a GPU if there is one.",
        page="Models",
        control=Choice(
            titles={"auto": "Automatic", "cpu": "CPU", "cuda": "NVIDIA GPU (CUDA)", "mps": "Apple GPU (MPS)"}
        ),
    )
    precision: str = setting(
        "auto",
        title="Precision",
        help="Format of the weights. int8 and int4 take less memory and are for the CPU; int4 changes what is written.",
        page="Models",
        control=Choice(titles={name: "Automatic" if name == "auto" else name for name in PRECISIONS}),
    )
    threads: int = setting(
        0,
        title="CPU threads",
        help="How many threads decode on the CPU. Automatic uses one for each core.",
        page="Models",
        control=Number(lowest=0, highest=MOST_THREADS, word="automatic"),
    )
    model_memory: int = setting(
        0,
        title="Memory for models",
        help="How much of the computer's memory models may take together. When the next one does not fit, the one that "
        "was not used for longest is unloaded. Automatic is three quarters of what is free without them.",
        page="Models",
        control=Number(lowest=0, highest=MOST_MEMORY, unit="MB", word="automatic"),
    )
    read_ahead: bool = setting(
        True,
        title="Read ahead",
        help="While you pause, the model reads your text, so that Generate begins with the next token. Off while the "
        "computer saves power.",
        page="Models",
        control=Switch(),
    )
    simultaneous_downloads: int = setting(
        2,
        title="Simultaneous downloads",
        help="How many models are downloaded at once; others wait.",
        page="Models",
        control=Number(lowest=1, highest=8),
    )
    endpoint: str = setting(
        "",
        title="Hugging Face address",
        help="A mirror to download from. Empty: the environment variable HF_ENDPOINT, else https://huggingface.co.",
        page="Models",
        control=Text(placeholder="https://huggingface.co", checked=check_endpoint, values="an address, or empty"),
    )
    update_check: bool = setting(
        False,
        title="Look for a new version",
        help="At each start, ask the address below for the newest version. Nothing but this version is sent.",
        page="Updates",
        control=Switch(),
    )
    update_address: str = setting(
        "",
        title="Address",
        help="Asked at the start, if that is switched on, and by “Look for a new version” in the menu. Empty: that of "
        "gptdesk's releases.",
        page="Updates",
        control=Text(placeholder=ADDRESS, checked=check_address, values="an address, or empty"),
    )
    models_folder: str = setting(
        "",
        title="Models folder",
        help="Where models are downloaded and imported to. When you change it, models stay where they are and are "
        "linked in the new folder.",
        page="Folders",
        control=Folder(),
    )
    decoding: DecodingSettings = PRESETS["Balanced"]
    new_document_decoding: DecodingSettings = PRESETS["Balanced"]
    presets: Mapping[str, DecodingSettings] = field(default_factory=dict, hash=False)
    document: str | None = stored(None, what="the id of a document")
    chat: str | None = stored(None, what="the id of a document")
    chat_model: str = stored("", what="a name or a folder")
    chat_device: str = stored("", what="the name of a device, or empty", kind=_one_of("", *DEVICES))
    chat_precision: str = stored("", what="the name of a precision, or empty", kind=_one_of("", *PRECISIONS))
    chat_follow: str | None = stored(None, what="the folder of a run")
    chat_template: str = stored("", what="the id of a template")
    folder: str | None = stored(None, what="one that files are saved in")
    page: str = stored("", what="the id of a page")
    run: str | None = stored(None, what="the folder of a run")
    follow: str | None = stored(None, what="the folder of a run")
    token_view: bool = stored(False, what="true or false")
    token_measure: str = stored("surprisal", what="the id of a measure")
    token_borders: bool = stored(False, what="true or false")
    token_ids: bool = stored(False, what="true or false")
    documents_shown: bool = stored(False, what="true or false")
    branches_shown: bool = stored(False, what="true or false")
    inspect_shown: bool = stored(False, what="true or false")
    documents_order: str = stored("modified", what="the key of an order")
    welcome_seen: bool = stored(False, what="true or false")
    comparison: Mapping[str, Any] = stored(factory=dict, what="plain values by name", kind=dict[str, _Plain])
    charts: Mapping[str, Any] = stored(factory=dict, what="plain values by name", kind=dict[str, _Plain])
    closed_groups: tuple[str, ...] = stored(("Repetition", "Other"), what="a list of headings")
    shortcuts: Mapping[str, tuple[str, ...]] = stored(factory=dict, what="lists of keys by command")
    recent_commands: tuple[str, ...] = stored((), what="a list of commands")

    def __post_init__(self) -> None:
        for name, one in settings_of(type(self)).items():
            object.__setattr__(self, name, one.control.check(name, getattr(self, name)))
        check_stored(self)
        for name in self.presets:
            check_preset_name(name)
        object.__setattr__(self, "recent_commands", self.recent_commands[:RECENT_COMMANDS])
        object.__setattr__(self, "recent_models", self.recent_models[:RECENT_MODELS])
        object.__setattr__(self, "presets", MappingProxyType(dict(self.presets)))

    def to_json(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("decoding", "new_document_decoding"):
            values[name] = getattr(self, name).to_json()
        values["presets"] = {name: preset.to_json() for name, preset in self.presets.items()}
        values["recent_models"] = list(self.recent_models)
        values["pinned_models"] = list(self.pinned_models)
        values["comparison"] = dict(self.comparison)
        values["charts"] = dict(self.charts)
        values["shortcuts"] = {name: list(keys) for name, keys in self.shortcuts.items()}
        values["closed_groups"] = list(self.closed_groups)
        values["recent_commands"] = list(self.recent_commands)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> tuple[Settings, list[str]]:
        """Reads what `to_json` wrote; a value that cannot be used becomes the default, and a sentence says why."""
        settings, problems = cls(), []
        for f in fields(cls):
            if f.name not in values:
                continue
            try:
                settings = cls(**{**_shallow(settings), f.name: _read(f.name, values[f.name])})
            except UserError as error:
                problems.append(str(error))
        if "new_document_decoding" not in values:  # written when there was one for all documents
            settings = replace(settings, new_document_decoding=settings.decoding)
        return settings, problems


SETTINGS: Final = settings_of(Settings)
"""The settings of the dialog, by key."""


def titles_of(key: str) -> Mapping[Any, str]:
    """What people call the values of a setting that is a choice."""
    control = SETTINGS[key].control
    assert isinstance(control, Choice), "it is one"
    return control.titles


def check_preset_name(name: Any) -> None:
    """Refuses names that a list cannot show or that gptdesk's own presets have.

    Raises:
        UserError: when the name cannot be used.
    """
    if not isinstance(name, str) or not name.strip() or name != name.strip() or not name.isprintable():
        raise UserError("A preset needs a name of printable characters.")
    if len(name) > LONGEST_PRESET_NAME:
        raise UserError(f"A preset's name may have at most {LONGEST_PRESET_NAME} characters.")
    if name in PRESETS:
        raise UserError(f"“{name}” is the name of one of gptdesk's own presets; choose another.")


def _are_keys(value: Any) -> bool:
    try:
        convert(value, tuple[str, ...])
    except (msgspec.ValidationError, RecursionError):
        return False
    return True


def _shallow(settings: Settings) -> dict[str, Any]:
    return {f.name: getattr(settings, f.name) for f in fields(settings)}


def _read(name: str, value: Any) -> Any:
    if name in ("decoding", "new_document_decoding"):
        return DecodingSettings.from_json(value)
    if name == "presets":
        if not isinstance(value, Mapping):
            raise UserError("presets must be one JSON object.")
        return {key: DecodingSettings.from_json(preset) for key, preset in value.items()}
    if name == "shortcuts" and isinstance(value, Mapping):  # one that is damaged costs itself alone
        return {key: keys for key, keys in value.items() if _are_keys(keys)}
    return value
