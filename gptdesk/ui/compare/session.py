"""What is compared: columns, prompts, and the prompt that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.compare.choices import Chosen, ColumnChoice
from gptdesk.compare.columns import FEWEST, MOST
from gptdesk.compare.prompt_text import Prompt, spelled
from gptdesk.ui.compare.blind_votes import BlindVotes
from gptdesk.ui.services.comparison.service import ComparisonService
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.throttle import Debounce

if TYPE_CHECKING:
    from gptdesk.compare.choices import Resolved
    from gptdesk.compare.results import Results
    from gptdesk.training.checkpoints import CheckpointInfo

_KEEP_MS: Final = 1_000
_LOOK_MS: Final = 50
_WALK_MS: Final = 250
"""After the last step of the slider, so that what it passes is not computed."""

_LONGEST_KEPT: Final = 100_000
"""Characters of a prompt that the settings keep."""

FIRST_PROMPT: Final = "Once upon a time"


class CompareSession(QObject):
    """Holds what the page compares, and asks the service for it. What was chosen is kept in the settings.

    Attributes:
        choices: two to four columns.
        prompts: at least one; those of conversations can have special tokens.
        index: of the prompt that is shown.
        source: name of the file that the prompts come from; "" for a prompt that was typed.
        seed: of the first prompt; ``None`` for a random one.
        blind: whether the next comparison is a blind one.
        found: the columns as they were last looked for; ``None`` before.
        why_in_turn: why columns will be computed one after the other, as a sentence; "" if they will not.
        votes: blind votes on the comparison that is shown.

    Signals:
        columns_changed(): other columns, or more is known of them.
        prompts_changed(): other prompts, or another one is shown.
        began(): a comparison is asked for.
    """

    columns_changed = Signal()
    prompts_changed = Signal()
    began = Signal()

    def __init__(self, service: ComparisonService, settings: SettingsService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service, self._settings = service, settings
        kept = settings.value.comparison
        self.choices = _choices(kept) or [
            ColumnChoice(model=settings.value.model, preset=preset) for preset in ("Focused", "Creative")
        ]
        prompt = kept.get("prompt")
        self.prompts: list[Prompt] = [prompt if isinstance(prompt, str) and prompt.strip() else FIRST_PROMPT]
        seed = kept.get("seed")
        self.seed = seed if type(seed) is int and seed >= 0 else None
        self.blind = kept.get("blind") is True
        self.index = 0
        self.source = ""
        self.found: Resolved | None = None
        self.why_in_turn = ""
        self._compared: list[ColumnChoice] = []  # columns of the comparison that is shown
        self.votes = BlindVotes(service, lambda: self.index if self.choices == self._compared else None, self)
        self._looks = 0
        self._keeping = Debounce(self._keep, _KEEP_MS, self)
        self._looking = Debounce(self._look, _LOOK_MS, self)
        self._walking = Debounce(self.run, _WALK_MS, self)
        self._used = self._basis()
        settings.changed.connect(self._on_settings_changed)

    # Columns

    @property
    def chosen(self) -> Chosen:
        value = self._settings.value
        return Chosen(
            columns=tuple(self.choices), settings=value.decoding, presets=dict(value.presets), device=value.device
        )

    def set_column(self, index: int, **changes: Any) -> None:
        """Changes a column: its model, precision or preset."""
        self._set_columns([*self.choices[:index], replace(self.choices[index], **changes), *self.choices[index + 1 :]])

    def set_models(self, models: Sequence[str]) -> None:
        """Shows these models, or checkpoints, with the settings of the Playground; at least two of them."""
        wanted = [ColumnChoice(model=model) for model in models[:MOST]]
        while len(wanted) < FEWEST:
            current = self._settings.value.model
            others = [current, *(choice.model for choice in self.choices), *models]
            named = [one.model for one in wanted]
            wanted.append(ColumnChoice(model=next((one for one in others if one not in named), others[0])))
        self._set_columns(wanted)

    def add_column(self) -> None:
        """Adds a copy of the last column."""
        self._set_columns([*self.choices, self.choices[-1]])

    def remove_column(self, index: int) -> None:
        """Takes a column away."""
        self._set_columns([*self.choices[:index], *self.choices[index + 1 :]])

    def why_not_add(self) -> str | None:
        """Why there can be no further column."""
        return None if len(self.choices) < MOST else f"There are {MOST} columns, the most that can be compared."

    def why_not_remove(self) -> str | None:
        """Why no column can be taken away."""
        return None if len(self.choices) > FEWEST else f"There are {FEWEST} columns, the fewest that can be compared."

    def steps(self, index: int) -> Sequence[CheckpointInfo]:
        """The checkpoints of the run of a column that is one of them; else none."""
        return self.found.steps.get(index, ()) if self.found is not None else ()

    def walk(self, index: int, place: int) -> None:
        """Makes a column another checkpoint of its run; compares again where something was compared before."""
        self.set_column(index, model=str(self.steps(index)[place].path))
        if self.results is not None and self.why_not_run() is None:
            self._walking.request()

    @Slot()
    def look_again(self) -> None:
        """Finds the models of the columns again: they, or free memory, may have changed."""
        self._looking.request()

    def _set_columns(self, choices: list[ColumnChoice]) -> None:
        if choices != self.choices:
            self.choices, self.found = choices, None
            self._keeping.request()
            self._looking.request()
            self.columns_changed.emit()

    def _look(self) -> None:
        self._looks += 1
        number = self._looks

        def done(found: Resolved, why_in_turn: str) -> None:
            if number == self._looks:
                self.found, self.why_in_turn = found, why_in_turn
                self.columns_changed.emit()

        self._service.look(self.chosen, done)

    # Prompts

    @property
    def prompt(self) -> str:
        """The prompt that is shown, special tokens by their names."""
        return spelled(self.prompts[self.index])

    def set_prompt(self, text: str) -> None:
        """Changes the prompt that is shown to plain text; its results stay until the next comparison."""
        if text != self.prompt:
            self.prompts[self.index] = text
            self._keeping.request()

    def set_prompts(self, prompts: Sequence[Prompt], source: str) -> None:
        """Uses other prompts: those of a file, or one."""
        self.prompts, self.source, self.index = list(prompts), source, 0
        self._keeping.request()
        self.prompts_changed.emit()

    def go(self, step: int) -> None:
        """Shows the next prompt (1) or the former one (-1)."""
        index = min(max(0, self.index + step), len(self.prompts) - 1)
        if index != self.index:
            self.index = index
            self.prompts_changed.emit()

    def why_not_go(self, step: int) -> str | None:
        """Why there is no next or former prompt."""
        if 0 <= self.index + step < len(self.prompts):
            return None
        return "This is the last prompt." if step > 0 else "This is the first prompt."

    def set_seed(self, seed: int | None) -> None:
        self.seed = seed
        self._keeping.request()

    # Running

    @property
    def results(self) -> Results | None:
        return self._service.results

    def is_changed(self, place: int) -> bool:
        """Whether a column is another one than that which was compared last, so that its text is not there."""
        return self.choices[place : place + 1] != self._compared[place : place + 1]

    def why_not_run(self) -> str | None:
        """Why nothing can be compared."""
        empty = next((place for place, prompt in enumerate(self.prompts) if not spelled(prompt).strip()), None)
        if empty is None:
            return None
        return "Write a prompt first." if len(self.prompts) == 1 else f"Prompt {empty + 1:,} is empty."

    @Slot()
    def run(self) -> None:
        """Compares the columns; a comparison that runs is stopped."""
        if self.why_not_run() is not None:
            return
        self._compared = list(self.choices)
        self.votes.begin(blind=self.blind)
        self.began.emit()
        self._service.start(self.chosen, self.prompts, self.seed)
        self.votes.names_changed.emit()

    @property
    def order(self) -> list[int]:
        """The columns in the order in which they are shown."""
        shuffled = self.votes.order if self.votes.is_hidden else []
        return shuffled or list(range(len(self.choices) if self.results is None else len(self.results.columns)))

    def set_blind(self, blind: bool) -> None:
        """Makes the next comparison a blind one; switched off, it names the texts of this one, too."""
        self.blind = blind
        self._keeping.request()
        if not blind:
            self.votes.give_up()

    # Keeping

    def close(self) -> None:
        """Keeps what was chosen."""
        self._looking.cancel()
        self._walking.cancel()
        self._keeping.flush()

    def _keep(self) -> None:
        prompt = self.prompt if not self.source and len(self.prompt) <= _LONGEST_KEPT else ""
        kept = dict(self._settings.value.comparison)
        columns = [choice.to_json() for choice in self.choices]
        kept |= {"columns": columns, "prompt": prompt, "seed": self.seed, "blind": self.blind}
        self._settings.update(comparison=kept)

    def _basis(self) -> object:
        """What of the settings columns depend on."""
        value = self._settings.value
        return value.decoding, value.presets, value.device, value.models_folder

    @Slot()
    def _on_settings_changed(self) -> None:
        if self._used != self._basis():
            self._used = self._basis()
            self._looking.request()


def _choices(kept: Mapping[str, Any]) -> list[ColumnChoice]:
    """The columns that the settings keep; none where they cannot be used."""
    columns = kept.get("columns")
    found = [ColumnChoice.from_json(one) for one in columns] if isinstance(columns, (list, tuple)) else []
    usable = [one for one in found if one is not None]
    return usable if len(usable) == len(found) and FEWEST <= len(usable) <= MOST else []
