"""The library: what it lists, and what can be done with it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.config import OPENAI_SIZES
from gptdesk.library import memory
from gptdesk.library.catalogue import KNOWN, find_known, find_model, fits, list_models, memory_needed
from gptdesk.library.import_ import import_model
from gptdesk.library.library import Library
from gptdesk.library.names import check_name, free_name
from gptdesk.library.record import Record, write_record
from gptdesk.library.repository import COMMIT
from gptdesk.library.verify import verify
from gptdesk.training.index import RunIndex
from tests.library.conftest import everything

WEIGHTS = "model.safetensors"


@pytest.fixture
def library(folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Library:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return Library(folders)


@pytest.fixture
def own(library: Library, tiny_model_folder: Path) -> str:
    """A model in the models folder."""
    return import_model(library.folders, tiny_model_folder, name="mine").name


def names(library: Library, kind: str) -> list[str]:
    return [entry.name for entry in library.entries() if entry.kind == kind]


@pytest.mark.parametrize("change", [-1, -1_000_000, 1])
def test_weights_of_the_wrong_size_are_listed_as_damaged_with_the_reason(
    library: Library, own: str, change: int
) -> None:
    path = library.folders.models / own / WEIGHTS
    size = path.stat().st_size
    os.truncate(path, size + change)
    (entry,) = (entry for entry in library.entries() if entry.name == own)
    assert entry.state == "damaged"
    sizes = f"it has {size + change:,} bytes instead of {size:,}"
    assert entry.problem == f"{path} is damaged or incomplete: {sizes}; download or copy it again."
    assert own not in [model.name for model in list_models(library.folders)]


def test_a_damaged_header_is_listed_as_damaged(library: Library, own: str) -> None:
    path = library.folders.models / own / WEIGHTS
    for beginning in (b"", b"\xff" * 8, b"\2\0\0\0\0\0\0\0[]", b'\5\0\0\0\0\0\0\0{"a":'):
        path.write_bytes(beginning)
        (entry,) = (entry for entry in library.entries() if entry.name == own)
        assert entry.state == "damaged"
        assert "is damaged or incomplete" in entry.problem


def test_the_bundled_model_and_the_known_ones_are_always_listed(library: Library) -> None:
    entries = library.entries()
    assert [entry.name for entry in entries] == [
        "stories",
        "gpt2",
        "gpt2-medium",
        "gpt2-large",
        "gpt2-xl",
        "distilgpt2",
        *(known.name for known in KNOWN if known.more),
    ]
    gpt2 = entries[1]
    assert (gpt2.kind, gpt2.state, gpt2.path, gpt2.parameters) == ("known", "missing", None, 124_439_808)
    assert (gpt2.download, gpt2.licence) == (548_105_171, "mit")
    assert gpt2.revision == "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    assert gpt2.sha256 == {WEIGHTS: "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707"}
    assert gpt2.card_url == "https://huggingface.co/openai-community/gpt2"


def test_known_sizes_are_those_of_weights_masks_and_a_header() -> None:
    for known in (known for known in KNOWN if not known.more):  # the others' are rounded
        masks = known.config.n_layer * (known.config.n_positions**2 * 4)
        header = known.size - 4 * known.parameters - masks
        assert 0 < header < 1_400 * known.config.n_layer, known.name


def test_every_known_model_says_what_it_is_and_where_it_comes_from() -> None:
    names = [known.name.casefold() for known in KNOWN]
    assert len(set(names)) == len(names)
    assert len({known.repo.casefold() for known in KNOWN}) == len(KNOWN)
    for known in KNOWN:
        assert COMMIT.fullmatch(known.revision or "0" * 40), known.name
        assert known.note.endswith("."), known.name
        assert known.size == 0 or 0.4 < known.size / (4 * known.parameters) < 1.5, known.name  # 2 or 4 bytes, and masks
        assert find_known(known.name) is find_known(known.repo.upper()) is known


def test_models_of_the_person_come_with_what_was_written_down(library: Library, own: str) -> None:
    entry = library.entry("mine")
    assert (entry.kind, entry.state, entry.defaults.precision) == ("installed", "ready", "auto")
    assert entry.sha256
    assert entry.added.endswith("+00:00")
    assert [model.name for model in list_models(library.folders)] == ["stories", "mine"]


def test_checkpoints_of_runs_are_listed_newest_first(library: Library, tiny_model_folder: Path) -> None:
    for run, step in (("20260101-a", 1), ("20260102-b", 1), ("20260102-b", 20)):
        folder = library.folders.runs / run / "checkpoints" / f"step-{step:08d}"
        shutil.copytree(tiny_model_folder, folder)
        (folder / "manifest.json").write_text(json.dumps({WEIGHTS: {"bytes": 1, "sha256": "0" * 64}}))
    (library.folders.runs / "20260102-b" / "checkpoints" / "step-00000030").mkdir()
    assert names(library, "run") == [
        "20260102-b/step-00000020",
        "20260102-b/step-00000001",
        "20260101-a/step-00000001",
    ]
    assert not verify(library.entry("20260101-a/step-00000001")).ok


def test_checkpoints_of_watched_runs_are_listed_each_once(
    folders: Folders, tiny_model_folder: Path, tmp_path: Path
) -> None:
    for run in (folders.runs / "mine", tmp_path / "elsewhere" / "mine", tmp_path / "alone"):
        folder = run / "checkpoints" / "step-00000001"
        shutil.copytree(tiny_model_folder, folder)
        (folder / "manifest.json").write_text("{}")
    index = RunIndex(folders.data / "runs.json", folders.runs)
    for watched in (tmp_path / "elsewhere", tmp_path / "alone", folders.runs / "mine", tmp_path / "elsewhere" / "mine"):
        index.watch(watched)
    found = [entry for entry in Library(folders, lambda: index.watched).entries() if entry.kind == "run"]
    second = str(tmp_path / "elsewhere" / "mine" / "checkpoints" / "step-00000001")
    assert [entry.name for entry in found] == ["mine/step-00000001", second, "alone/step-00000001"]
    assert len({entry.path for entry in found}) == 3


def test_models_in_the_hubs_cache_are_listed_and_take_the_place_of_known_ones(
    library: Library, tiny_model_folder: Path, tmp_path: Path
) -> None:
    commit = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    snapshot = tmp_path / "cache" / "models--openai-community--gpt2" / "snapshots" / commit
    shutil.copytree(tiny_model_folder, snapshot)
    (tmp_path / "cache" / "models--a--llama" / "snapshots" / commit).mkdir(parents=True)
    (tmp_path / "cache" / "datasets--a--b").mkdir()
    (entry,) = (entry for entry in library.entries() if entry.kind == "cache")
    assert (entry.name, entry.path, entry.revision) == ("openai-community/gpt2", snapshot, commit)
    assert "gpt2" not in names(library, "known")
    with pytest.raises(UserError, match="is not in the models folder but in the hub's cache"):
        library.remove("openai-community/gpt2")


def test_a_damaged_model_is_listed_with_its_problem(library: Library, own: str) -> None:
    (library.folders.models / "mine" / WEIGHTS).unlink()
    entry = library.entry("mine")
    assert entry.state == "damaged"
    assert "has no model.safetensors" in entry.problem


def test_renaming(library: Library, own: str) -> None:
    library.rename("mine", "Mine")
    library.rename("Mine", "other")
    assert find_model("other", library.folders).name == "other"
    with pytest.raises(UserError, match="There is no model called 'mine'"):
        library.rename("mine", "x")
    with pytest.raises(UserError, match="cannot be called"):
        library.rename("other", "../x")
    (library.folders.models / "taken").mkdir()
    with pytest.raises(UserError, match="There is a model called Taken already"):
        library.rename("other", "Taken")


def test_a_model_is_removed_by_its_name_on_the_hub(library: Library, own: str) -> None:
    folder = library.folders.models / "mine"
    write_record(folder, Record(source="someone/tiny", revision="0" * 40))
    library.remove("someone/tiny")
    assert everything(library.folders.models) == []


def test_a_file_in_the_models_folder_is_no_model(library: Library, own: str) -> None:
    (library.folders.models / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"There is no model called 'notes\.txt' in the models folder"):
        library.remove("notes.txt")
    assert (library.folders.models / "notes.txt").read_text() == "mine"


def test_a_record_that_claims_a_link_makes_no_link_of_a_model_that_is_here(
    library: Library, own: str, tmp_path: Path
) -> None:
    write_record(library.folders.models / "mine", Record(link=str(tmp_path)))
    entry = library.entry("mine")
    assert (entry.kind, entry.path) == ("installed", library.folders.models / "mine")


def test_a_model_in_the_cache_under_its_old_name_is_not_offered_to_get(
    library: Library, tiny_model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "cache" / "models--gpt2" / "snapshots" / ("0" * 40))
    (entry,) = (entry for entry in library.entries() if entry.kind == "cache")
    assert (entry.name, entry.repo) == ("gpt2", "openai-community/gpt2")
    assert "gpt2" not in names(library, "known")


def test_removing_tells_what_it_frees(library: Library, own: str) -> None:
    size = sum(path.stat().st_size for path in (library.folders.models / "mine").iterdir())
    assert library.remove("mine") == size > 9_000_000
    assert everything(library.folders.models) == []


def test_removing_a_file_with_a_second_name_frees_nothing_for_it(library: Library, own: str, tmp_path: Path) -> None:
    weights = library.folders.models / "mine" / WEIGHTS
    os.link(weights, tmp_path / "second")
    size = sum(path.stat().st_size for path in weights.parent.iterdir() if path != weights)
    assert library.remove("mine") == size


@pytest.mark.parametrize("name", ["stories", "gpt2", "", ".", "..", "../models", ".downloads", "nothing", "a/b"])
def test_only_models_of_the_models_folder_are_removed(library: Library, own: str, name: str) -> None:
    before = everything(library.folders.models)
    with pytest.raises(UserError):
        library.remove(name)
    assert everything(library.folders.models) == before


def test_what_a_cut_removal_left_is_cleaned_up(library: Library, own: str) -> None:
    (library.folders.models / ".removing-1-x").mkdir()
    for name in (".importing-old", ".importing-now"):
        (library.folders.models / name).mkdir()
    os.utime(library.folders.models / ".importing-old", (0, 0))
    library.clean_up()
    assert not (library.folders.models / ".importing-old").exists()
    assert (library.folders.models / ".importing-now").exists()
    assert names(library, "installed") == ["mine"]
    assert not (library.folders.models / ".removing-1-x").exists()


def test_defaults_of_a_folder_elsewhere_are_not_those_of_its_namesake(
    library: Library, own: str, tiny_model_folder: Path, tmp_path: Path
) -> None:
    other = library.entry(str(shutil.copytree(tiny_model_folder, tmp_path / "mine")))
    assert (other.kind, other.changeable) == ("folder", False)
    library.set_defaults(other, precision="float16")
    assert library.entry("mine").defaults.precision == "auto"
    assert library.entry(str(tmp_path / "mine")).defaults.precision == "float16"


@pytest.mark.parametrize("name", ["mine", "stories"])
def test_defaults_are_kept_for_models_wherever_they_are(library: Library, own: str, name: str) -> None:
    entry = library.set_defaults(library.entry(name), precision="bfloat16")
    entry = library.set_defaults(entry, decoding={"temperature": 0.5})
    assert library.entry(name) == entry
    assert entry.defaults.precision == "bfloat16"
    assert entry.defaults.decoding == {"temperature": 0.5}
    with pytest.raises(UserError, match="There is no precision"):
        library.set_defaults(entry, precision="float8")
    with pytest.raises(UserError, match="temperature must be"):
        library.set_defaults(entry, decoding={"temperature": -1})
    assert list(names(library, "installed")) == ["mine"], "records are no models"


def test_verifying_finds_one_flipped_bit(library: Library, own: str) -> None:
    assert verify(library.entry("mine")).sentence == "mine is sound: its files match their hashes."
    path = library.folders.models / "mine" / WEIGHTS
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    result = verify(library.entry("mine"))
    assert not result.ok
    assert result.sentence.startswith("model.safetensors of mine is damaged: it should have the hash ")
    assert result.sentence.endswith("; remove the model and import it again.")


def test_the_bundled_model_is_what_it_should_be(library: Library) -> None:
    assert verify(library.entry("stories")).sentence == "stories is sound: its files match their hashes."


def test_verifying_can_be_ended(library: Library, own: str) -> None:
    def end(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(library.entry("mine"), end)


def test_memory_is_that_of_weights_and_cache() -> None:
    xl = OPENAI_SIZES["gpt2-xl"]
    assert memory_needed(xl, "float32", 0) > 4 * xl.num_parameters()
    assert memory_needed(xl, "float32") - memory_needed(xl, "float32", 0) == 629_145_600
    sizes = [memory_needed(xl, name, 0) / memory_needed(xl, "float32", 0) for name in ("bfloat16", "int8", "int4")]
    assert sizes == pytest.approx([0.5, 0.28, 0.2], abs=0.02)
    assert memory_needed(xl) == memory_needed(xl, "int8")


def test_what_does_not_fit_is_told_with_what_would(monkeypatch: pytest.MonkeyPatch) -> None:
    xl = OPENAI_SIZES["gpt2-xl"]
    monkeypatch.setattr(memory, "free_memory", lambda: 5 * 2**30)
    assert fits(xl, "float32") == (
        "It takes 7.0 GB of memory and 5.4 GB are free; choose precision bfloat16 (3.8 GB), a smaller model, or "
        "close other programs."
    )
    assert fits(xl, "float16") == fits(OPENAI_SIZES["gpt2"]) == fits(xl) == ""
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * 2**30)
    assert "choose precision int4 (2.0 GB)" in fits(xl)
    monkeypatch.setattr(memory, "free_memory", lambda: 2**30)
    assert fits(xl).endswith("; choose a smaller model, or close other programs.")
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    assert fits(xl) == ""


def test_free_names_are_valid_whatever_is_wanted(tmp_path: Path) -> None:
    for wanted in ("../../x", "", "con", "a" * 500, "…", "a/b:c", ".hidden", "x.", "\0"):
        assert check_name(free_name(wanted, tmp_path))
