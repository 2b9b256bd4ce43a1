"""Prepares data: plan, make the tokenizer if asked, encode, merge; each step resumes an interrupted call."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gptdesk.errors import UserError
from gptdesk.files import write_json
from gptdesk.locks import FileLock, LockHeld
from trainer.data.manifest import MANIFEST, read_manifest
from trainer.data.tokenizer import TOKENIZER, DataTokenizer, copy_tokenizer
from trainer.prepare.account import add_up, note_files_without_text
from trainer.prepare.changes import refuse_changes, with_hashes
from trainer.prepare.encoding.blocks import Block, writing
from trainer.prepare.output.held_out import TAIL, Tail, hold_out, too_few_chosen
from trainer.prepare.output.manifest import make_manifest
from trainer.prepare.output.merge import Merger
from trainer.prepare.own_tokenizer import forget_made_tokenizer, make_own_tokenizer, with_made_tokenizer
from trainer.prepare.plan import PLAN, Plan, Request
from trainer.prepare.progress import Meter, Progress
from trainer.prepare.progress_file import PROGRESS, ProgressFile
from trainer.prepare.sections import DEFAULT_OPTIONS, DOWNLOADS, SectionEncoder, WorkOptions


def prepare(
    request: Request,
    folder: Path,
    options: WorkOptions = DEFAULT_OPTIONS,
    *,
    planned: Callable[[Plan], None] = lambda _: None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """Encodes what was asked for into ``folder`` and returns the manifest written there.

    Stopped at any moment, whatever stopped it, the same call goes on; a finished folder is left as it is. All along
    ``progress.json`` in the folder says how far it is (`trainer.prepare.progress_file`).

    Args:
        request: what to encode.
        folder: made when it is not there.
        options: of the work.
        planned: called with the plan before anything is read; what it raises ends the preparation.
        progress: called a few times a second.

    Raises:
        UserError: for sources that are missing or broken, a folder that holds something else, an empty split.
    """
    folder = folder.absolute()
    request = with_made_tokenizer(request, folder)
    if (manifest := _finished(request, folder)) is not None:
        return manifest
    with _locked(folder):
        # Another process may have come to its end since.
        if (manifest := _finished(request, folder)) is not None:
            return manifest
        with ProgressFile(folder, makes_vocabulary=bool(request.vocabulary)) as file:

            def show(now: Progress) -> None:
                file.update(now)
                progress(now)

            begun = Plan.load(folder / PLAN, request)
            plan = begun or Plan.make(request, folder)
            plan = replace(plan, files=with_hashes(plan.files))
            planned(plan)
            if request.vocabulary and not begun:
                plan = replace(plan, request=make_own_tokenizer(request, folder, show))
            return _encode_and_merge(plan, folder, options, show)


def _finished(request: Request, folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished folder; None for any other.

    Raises:
        UserError: when the folder holds something else, or its sources have changed since.
    """
    if plan := Plan.load(folder / PLAN, request):
        if not (folder / MANIFEST).exists():
            return None
        refuse_changes(plan, folder)
        return read_manifest(folder)[0]
    with writing(folder):
        if folder.exists() and any(path.name[0] != "." and path.name != PROGRESS for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty; choose another folder or remove it.")
    return None


def _encode_and_merge(
    plan: Plan, folder: Path, options: WorkOptions, progress: Callable[[Progress], None]
) -> dict[str, Any]:
    request, work = plan.request, folder / "work"
    with writing(folder):
        if not (folder / PLAN).exists():
            plan.save(folder / PLAN)
        work.mkdir(exist_ok=True)
        for leftover in [*folder.glob("*.tmp"), *work.glob("*.tmp")]:
            leftover.unlink()
        plan = _with_own_tokenizer(plan, folder)
        request = plan.request
    meter = Meter(sum(file.bytes for file in plan.files), progress)
    encoding = SectionEncoder(plan, folder, work, options, meter)
    encoding.run()
    note_files_without_text(encoding.plan.files, add_up(unit.accounts for unit in encoding.done), encoding.broken)
    blocks = [block for unit in encoding.done for block in unit.blocks]
    try:
        tail = _divide(blocks, encoding, work)
    except UserError:
        shutil.rmtree(work)
        shutil.rmtree(folder / TOKENIZER, ignore_errors=True)
        (folder / PLAN).unlink()  # with other sources or settings it may do
        raise
    parts, blocks = (work / TAIL, list(tail.blocks)) if tail else (work, blocks)
    with writing(folder):
        merger = Merger(
            folder,
            parts,
            blocks,
            shard_tokens=request.shard_tokens,
            seed=request.seed,
            tokenizer=DataTokenizer.of(request.tokenizer),
            learn_prompts=request.learn_prompts,
        )
        meter.begin_merge(merger.tokens, merger.token_bytes)
        splits = merger.run(meter.merged)
        manifest = make_manifest(encoding.plan, splits, encoding.done, encoding.sections, encoding.broken, tail)
        write_json(folder / MANIFEST, manifest)
        shutil.rmtree(work)
        if not options.keep_downloads:
            shutil.rmtree(folder / DOWNLOADS, ignore_errors=True)
    return manifest


def _with_own_tokenizer(plan: Plan, folder: Path) -> Plan:
    """The plan with a copy of the tokenizer's files in ``folder``, which stays with the data.

    Raises:
        UserError: when a copy that is there is another tokenizer's.
        OSError: when it cannot be written.
    """
    request, named = plan.request, DataTokenizer.of(plan.request.tokenizer)
    files = named.files(folder)
    if files is None:
        return replace(plan, request=replace(request, tokenizer_folder=""))
    if Path(request.tokenizer_folder) != files:
        copy_tokenizer(Path(request.tokenizer_folder), files)
    named.load(folder)
    forget_made_tokenizer(folder)
    return replace(plan, request=replace(request, tokenizer_folder=str(files)))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock on ``.lock``, which stays: once removed, two could hold it, one of whom had opened it before."""
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock")
    except LockHeld:
        raise UserError(f"Another process is preparing {folder}; wait for it or stop it.") from None
    try:
        yield
    finally:
        lock.release()


def _divide(blocks: Sequence[Block], encoding: SectionEncoder, work: Path) -> Tail | None:
    """Checks that both splits have text; holds out the end of it where documents' hashes chose too few.

    Raises:
        UserError: when there is no text, or none for one of the splits.
    """
    request = encoding.plan.request
    splits = {"train": "training ", "val": "validation "} if request.validation else {"": ""}
    for split, name in splits.items():
        if not any((block.counts(split) if split else block.all).documents for block in blocks):
            raise UserError(f"No {name}text was found. {encoding.broken.sentences()}")
    if request.validation or not request.validation_share or not too_few_chosen(blocks):
        return None
    with writing(work):
        return hold_out(blocks, work, request, encoding.row_blocks())
