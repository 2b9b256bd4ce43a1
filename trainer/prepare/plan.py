"""The request of a preparation, and its division into units of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE, TEMPLATES
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.arrays import VERSION
from trainer.data.manifest import LARGEST_MANIFEST
from trainer.data.tokenizer import open_tokenizer
from trainer.prepare.broken import Broken
from trainer.prepare.cutting import Cutter, Span
from trainer.prepare.formats import FORMATS
from trainer.prepare.formats.input import Settings
from trainer.prepare.sources.files import SourceFile, find_files, with_distinct_names

PLAN: Final = "plan.json"

UNIT_BYTES: Final = 16 << 20
"""Text in a unit of work, some 4 million tokens: a second or two, and what a kill can cost."""

SHARD_TOKENS: Final = 100_000_000
"""Tokens in a full shard: 200 MB on disk."""

_SECTION_FILES: Final = 256
"""Most files of a section."""


LARGEST_WEIGHT: Final = 100
"""Of a source: repeating a text more often only teaches it by heart."""

DEFAULT_SHARE: Final = 0.01
"""Of the documents that are chosen for validation."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that the result depends on.

    Attributes:
        sources, validation: absolute paths, or names of data sets of the hub.
        weights: of the sources, in their order; empty where all are 1. How often the training text of a source is in
            the result: twice for 2, a random half of its documents for 0.5. Validation text is there once.
        tokenizer_folder: absolute path of the folder with the tokenizer's files; empty for OpenAI's. The result
            depends on the tokenizer alone, not on where its files are.
        vocabulary: kind of the tokenizer that is made from the text first (`tokenizer_training.train.KINDS`); empty
            where the tokenizer is given. If it is made, `prepare` sets ``tokenizer_folder``.
        vocab_size: tokens of that tokenizer; 0 where its kind decides.
        validation_share: probability that a document is in the validation split, when there are no validation sources;
            0 prepares none. Where that chooses too few, the end of the text is held out (`output.held_out`).
        seed: of the order of documents.
        column: name of the text in JSON objects and parquet rows.
        template: name of the chat template that makes a text of instructions and conversations.
        learn_prompts: whether all of a record is learnt, not what the model is to write alone.
        unit_bytes: text in a unit.
        shard_tokens: tokens in a full shard.
    """

    sources: tuple[str, ...]
    validation: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    tokenizer_folder: str = ""
    vocabulary: str = ""
    vocab_size: int = 0
    validation_share: float = DEFAULT_SHARE
    seed: int = 0
    column: str = "text"
    template: str = DEFAULT_TEMPLATE
    learn_prompts: bool = False
    unit_bytes: int = UNIT_BYTES
    shard_tokens: int = SHARD_TOKENS

    def __post_init__(self) -> None:
        if not 0 <= self.validation_share < 1:
            raise UserError(
                f"The validation share must be at least 0 (no validation) and below 1, not {self.validation_share}."
            )
        if self.template not in TEMPLATES:
            raise UserError(f"There is no template {self.template!a}; choose one of {', '.join(TEMPLATES)}.")
        if self.weights and len(self.weights) != len(self.sources):
            raise UserError(
                f"There are {len(self.weights)} weights for {len(self.sources)} sources; give one for each."
            )
        for weight in self.weights:
            if not 0 < weight <= LARGEST_WEIGHT:
                raise UserError(f"The weight of a source must be above 0 and at most {LARGEST_WEIGHT}, not {weight:g}.")
        for name, least in (("unit_bytes", 1), ("shard_tokens", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name} must be {least} or more, not {getattr(self, name)}.")

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the result.

        Raises:
            UserError: when its files cannot be used.
        """
        return open_tokenizer(Path(self.tokenizer_folder)) if self.tokenizer_folder else gpt2_tokenizer()

    @property
    def has_tokenizer(self) -> bool:
        """Whether the tokenizer is there; one that is made from the text is not there at the beginning."""
        return not self.vocabulary or Path(self.tokenizer_folder).is_dir()

    def weight(self, index: int) -> float:
        """The weight of a source."""
        return self.weights[index] if self.weights else 1.0

    @property
    def settings(self) -> Settings:
        """The settings that formats use."""
        return Settings(column=self.column, template=self.template)

    def to_json(self) -> dict[str, Any]:
        """As ``plan.json`` has it, with the version of the format and the tokenizer's hash."""
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        del values["tokenizer_folder"]
        sha256 = self.tokenizer.sha256 if self.has_tokenizer else ""
        return {"version": VERSION, "tokenizer": sha256} | values


@dataclass(frozen=True)
class Plan:
    """The files to read, and how they come together in sections.

    Attributes:
        request: what was asked for.
        files: in the order of reading.
    """

    request: Request
    files: tuple[SourceFile, ...]

    @classmethod
    def make(cls, request: Request, folder: Path) -> Plan:
        """Finds the files of all sources.

        Raises:
            UserError: when there are none, or the hub cannot be reached.
        """
        split = "train" if request.validation else ""
        files = [
            replace(file, weight=request.weight(index))
            for index, source in enumerate(request.sources)
            for file in find_files([source], split=split, avoid=folder)
        ]
        files = list({file.path or file.name: file for file in files}.values())
        held_out = find_files(request.validation, split="val", avoid=folder)
        both = {file.path for file in files if file.path} & {file.path for file in held_out}
        if both:
            raise UserError(f"{min(both)} is named as training and as validation text; it can be one of them.")
        return cls(request, with_distinct_names((*files, *held_out)))

    @classmethod
    def load(cls, path: Path, request: Request) -> Plan | None:
        """The plan that an earlier call wrote; None when there is none.

        Raises:
            UserError: when it was another request, or is damaged.
        """
        values = read_json(path, largest=LARGEST_MANIFEST)
        if values is None:
            return None
        try:
            same = Request(sources=()).to_json() | values["request"] == request.to_json()  # older ones know less
            plan = cls(request, tuple(map(SourceFile.from_json, values["files"])))
        except (KeyError, TypeError, AttributeError):
            raise UserError(f"{path} is damaged; remove {path.parent} and prepare the data again.") from None
        if not same:
            raise UserError(
                f"{path.parent} was begun with other sources or settings; "
                "give the same ones to resume, or choose another folder."
            )
        return plan

    def save(self, path: Path) -> None:
        write_json(path, {"request": self.request.to_json(), "files": [file.to_json() for file in self.files]})

    def sections(self) -> Iterator[range]:
        """Runs of files that are cut into units together: one of a format for bulk data, or neighbours of others.

        All files of a run have the same weight.
        """
        begin = 0
        for i, file in enumerate(self.files):
            before = self.files[i - 1]
            alone = FORMATS[file.format].bulk or FORMATS[before.format].bulk or file.weight != before.weight
            if i > begin and (alone or i - begin == _SECTION_FILES):
                yield range(begin, i)
                begin = i
        if begin < len(self.files):
            yield range(begin, len(self.files))

    def with_changes(self, files: range) -> Plan:
        """The plan with these files as they are on this computer now.

        Raises:
            UserError: when one is gone.
        """
        now = list(self.files)
        for i in files:
            if now[i].hub is None:
                now[i] = now[i].as_it_is_now()
        return replace(self, files=tuple(now))


@dataclass(frozen=True)
class Unit:
    """The piece of work that a worker does at a time.

    Attributes:
        section, number: its name, and its place in the order.
        spans: what is read.
    """

    section: int
    number: int
    spans: tuple[Span, ...]

    @property
    def bytes(self) -> int:
        """Of the files that it stands for."""
        return sum(span.bytes for span in self.spans)

    @property
    def name(self) -> str:
        return f"{self.section:05d}-{self.number:05d}"


@dataclass
class Section:
    """Neighbouring files, split into units.

    Attributes:
        index: its number.
        units: in order.
        cut: documents that were cut because they are too long for a unit.
        broken: files that cannot be cut, as `Broken.to_json` has them.
    """

    index: int
    units: list[Unit] = field(default_factory=list)
    cut: int = 0
    broken: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def make(cls, index: int, files: range, plan: Plan, paths: Sequence[Path], *, strict: bool) -> Section:
        """Cuts files into units.

        Args:
            index: number of the section.
            files: their indices.
            plan: names them.
            paths: where each is on this computer.
            strict: whether a file that is broken is an error.

        Raises:
            UserError: for a broken file when strict, or when pyarrow is needed and missing.
        """
        cutter = Cutter(plan.request.settings, plan.request.unit_bytes, Broken(strict))
        section = cls(index)
        spans: list[Span] = []
        weight = 0
        for i, path in zip(files, paths, strict=True):
            for span, text in cutter.spans(i, plan.files[i], path):
                spans.append(span)
                weight += text
                if weight >= plan.request.unit_bytes:
                    section.units.append(Unit(index, len(section.units), tuple(spans)))
                    spans, weight = [], 0
        if spans:
            section.units.append(Unit(index, len(section.units), tuple(spans)))
        section.cut, section.broken = cutter.cut, cutter.broken.to_json()
        return section

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Section:
        units = [Unit(**unit | {"spans": tuple(Span(**span) for span in unit["spans"])}) for unit in values["units"]]
        return cls(**values | {"units": units})
