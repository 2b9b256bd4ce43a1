"""Bringing models in from folders and files, whatever a stranger may have put there."""

import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gptdesk.cli import main
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.library.catalogue import find_model
from gptdesk.library.import_ import import_model, look_at
from gptdesk.library.library import Library
from gptdesk.library.record import read_record
from gptdesk.library.verify import verify
from tests.library.conftest import TOKENIZER, everything

WEIGHTS = "model.safetensors"


@pytest.fixture
def source(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A model folder to spoil, with files that are none of our business."""
    folder = Path(shutil.copytree(tiny_model_folder, tmp_path / "source"))
    (folder / "notes.txt").write_text("mine")
    return folder


def weights_of(folder: Path) -> dict[str, Any]:
    from gptdesk.gpt2.checkpoint import load_model

    return load_model(folder).state_dict()


def equal(folder: Path, other: Path) -> bool:
    import torch

    ours, theirs = weights_of(folder), weights_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_folder_is_copied_with_what_makes_the_model(source: Path, folders: Folders) -> None:
    told: list[tuple[int, int]] = []
    entry = import_model(folders, source, progress=lambda done, total: told.append((done, total)))
    assert (entry.kind, entry.name, entry.state) == ("installed", "source", "ready")
    assert everything(folders.models / "source") == sorted(["config.json", "model.json", WEIGHTS, *TOKENIZER])
    assert told[-1][0] == told[-1][1] > entry.size
    assert read_record(folders.models / "source").source == str(source)
    assert set(entry.sha256) == {"config.json", WEIGHTS, *TOKENIZER}
    assert equal(folders.models / "source", source)


def test_a_second_one_gets_a_number_and_a_taken_name_is_refused(source: Path, folders: Folders) -> None:
    import_model(folders, source)
    assert import_model(folders, source).name == "source 2"
    with pytest.raises(UserError, match="There is a model called SOURCE already"):
        import_model(folders, source, name="SOURCE")


def test_nobody_else_gets_the_name_of_the_bundled_model(source: Path, folders: Folders, tmp_path: Path) -> None:
    assert import_model(folders, source.rename(tmp_path / "Stories")).name == "Stories 2"
    with pytest.raises(UserError, match="There is a model called stories already"):
        Library(folders).rename("Stories 2", "stories")


def test_a_linked_folder_stays_where_it_is(source: Path, folders: Folders) -> None:
    entry = import_model(folders, source, name="mine", link=True)
    assert (entry.kind, entry.path) == ("linked", source)
    assert everything(folders.models) == ["mine", "mine/model.json"]
    found = find_model("mine", folders)
    assert (found.name, found.path) == ("mine", source)
    library = Library(folders)
    assert library.remove("mine") < 1_000
    assert (source / WEIGHTS).exists()


def test_a_link_to_what_is_gone_says_so(source: Path, folders: Folders) -> None:
    import_model(folders, source, name="mine", link=True)
    shutil.rmtree(source)
    with pytest.raises(UserError, match="which is not there; connect its disk"):
        find_model("mine", folders)
    (entry,) = (entry for entry in Library(folders).entries() if entry.name == "mine")
    assert (entry.kind, entry.state) == ("linked", "damaged")
    assert "connect its disk" in entry.problem


def test_one_file_takes_the_config_beside_it(source: Path, folders: Folders) -> None:
    (source / WEIGHTS).rename(source / "best.safetensors")
    entry = import_model(folders, source / "best.safetensors")
    assert entry.name == "best"
    assert set(entry.sha256) == {"config.json", WEIGHTS, *TOKENIZER}
    assert verify(entry).sentence == "best is sound: its files match their hashes."
    assert (folders.models / "best" / WEIGHTS).exists()


def test_one_file_without_a_config_must_have_a_known_shape(source: Path, folders: Folders) -> None:
    (source / "config.json").unlink()
    with pytest.raises(UserError, match=r"has no config\.json beside it"):
        import_model(folders, source / WEIGHTS)
    assert everything(folders.models) == []


def test_the_hubs_cache_is_made_of_links_and_may_be(source: Path, folders: Folders, tmp_path: Path) -> None:
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot = tmp_path / "models--a--b" / "snapshots" / ("0" * 40)
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for name in ("config.json", WEIGHTS):
        shutil.copy(source / name, blobs / name)
        (snapshot / name).symlink_to(blobs / name)
    entry = import_model(folders, snapshot, name="cached")
    assert not (folders.models / "cached" / WEIGHTS).is_symlink()
    assert entry.state == "ready"


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
@pytest.mark.parametrize("link", [False, True])
def test_links_out_of_the_folder_are_refused(
    source: Path, folders: Folders, tmp_path: Path, name: str, link: bool
) -> None:
    shutil.move(source / name, tmp_path / name)
    (source / name).symlink_to(tmp_path / name)
    with pytest.raises(UserError, match=r"is a link to .*, outside of the folder"):
        import_model(folders, source, link=link)
    assert everything(folders.models) == []


def test_what_cannot_be_converted_is_not_said_to_be(source: Path, folders: Folders) -> None:
    (source / WEIGHTS).rename(source / "tf_model.h5")
    with pytest.raises(UserError, match=r"not tf_model\.h5.*convert it with transformers first"):
        import_model(folders, source)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_folders_of_any_name_are_copied_and_linked(source: Path, folders: Folders, tmp_path: Path) -> None:
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    source.rename(strange)
    assert import_model(folders, strange, name="copied").state == "ready"
    spaced = strange.rename(tmp_path / "model\u3000one")
    entry = import_model(folders, spaced, name="linked", link=True)
    assert (entry.kind, entry.state, entry.path) == ("linked", "ready", spaced)


@pytest.mark.parametrize(
    "name",
    ["../evil", "..", ".", ".hidden", "a/b", "a\\b", "c:", "con", "nul.txt", "x" * 300, " ", "a\n", "a\0", "tail."],
)
def test_names_that_lead_out_or_cannot_be_are_refused(source: Path, folders: Folders, name: str) -> None:
    before = everything(folders.models.parent)
    with pytest.raises(UserError, match=r"cannot be called|needs a name|too long"):
        import_model(folders, source, name=name)
    assert everything(folders.models.parent) == before


def test_what_the_progress_raises_ends_the_copy_and_leaves_nothing(source: Path, folders: Folders) -> None:
    def cancel(done: int, total: int) -> None:
        if done > 2_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_model(folders, source, progress=cancel)
    assert everything(folders.models) == []


def test_weights_that_do_not_fit_the_config_are_refused(source: Path, folders: Folders) -> None:
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"n_positions": 65}))
    with pytest.raises(UserError, match=r"do not fit its config\.json: wpe\.weight has the shape \(64, 48\)"):
        import_model(folders, source)
    assert everything(folders.models) == []


# Pickles


@pytest.fixture
def old(source: Path) -> Path:
    """A folder as the hub had them before safetensors."""
    import torch
    from transformers import GPT2LMHeadModel

    state = GPT2LMHeadModel.from_pretrained(source).state_dict()
    state["transformer.h.0.attn.bias"] = torch.ones(1, 1, 64, 64)
    torch.save(state, source / "pytorch_model.bin")
    (source / WEIGHTS).unlink()
    return source


@pytest.fixture
def nanogpt(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A checkpoint as nanoGPT's train.py writes it, compiled and padded to 50,304 tokens."""
    import torch

    state = weights_of(tiny_model_folder)
    state["transformer.wte.weight"] = torch.cat([state.pop("wte.weight"), torch.zeros(47, 48)])
    state.pop("lm_head.weight")
    state = {"_orig_mod." + (name if name[:5] == "trans" else f"transformer.{name}"): w for name, w in state.items()}
    state["_orig_mod.lm_head.weight"] = state["_orig_mod.transformer.wte.weight"]
    arguments = {"n_layer": 2, "n_head": 3, "n_embd": 48, "block_size": 64, "bias": True, "vocab_size": 50304}
    folder = tmp_path / "out-owt"
    folder.mkdir()
    torch.save(
        {
            "model": state,
            "optimizer": {"state": {}},
            "model_args": arguments | {"dropout": 0.1},
            "iter_num": 9,
            "config": {"lr": 1e-4},
        },
        folder / "ckpt.pt",
    )
    return folder


def test_an_old_folder_is_converted(old: Path, folders: Folders, tiny_model_folder: Path) -> None:
    entry = import_model(folders, old)
    assert entry.state == "ready"
    assert everything(folders.models / entry.name) == sorted(["config.json", "model.json", WEIGHTS, *TOKENIZER])
    assert equal(folders.models / entry.name, tiny_model_folder)


def test_an_old_file_in_the_format_before_zip_is_converted(
    old: Path, folders: Folders, tiny_model_folder: Path
) -> None:
    import torch

    state = torch.load(old / "pytorch_model.bin", weights_only=True)
    torch.save(state, old / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert equal(folders.models / import_model(folders, old / "pytorch_model.bin").name, tiny_model_folder)


@pytest.mark.parametrize("name", ["config.json", "pytorch_model.bin"])
def test_old_files_that_are_links_out_of_the_folder_are_refused(
    old: Path, folders: Folders, tmp_path: Path, name: str
) -> None:
    shutil.move(old / name, tmp_path / name)
    (old / name).symlink_to(tmp_path / name)
    with pytest.raises(UserError, match=r"is a link to .*, outside of the folder"):
        import_model(folders, old)
    assert everything(folders.models) == []


def test_an_old_file_without_its_config_says_so(old: Path, folders: Folders) -> None:
    (old / "config.json").unlink()
    with pytest.raises(UserError, match=r"pytorch_model\.bin has no config\.json beside it"):
        import_model(folders, old / "pytorch_model.bin")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_checkpoint_of_nanogpt_is_converted(
    nanogpt: Path, folders: Folders, tiny_model_folder: Path, what: str
) -> None:
    entry = import_model(folders, nanogpt if what == "folder" else nanogpt / "ckpt.pt")
    assert entry.name == "out-owt"
    assert entry.config is not None
    assert entry.config.vocab_size == 50257
    assert equal(folders.models / "out-owt", tiny_model_folder)


def test_what_is_converted_cannot_be_linked(old: Path, nanogpt: Path, folders: Folders) -> None:
    for path in (old, old / "pytorch_model.bin", nanogpt):
        with pytest.raises(UserError, match="cannot be linked"):
            import_model(folders, path, link=True)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("form", ["plain", "zip", "legacy"])
def test_a_pickle_that_runs_code_is_not_run(old: Path, folders: Folders, tmp_path: Path, form: str) -> None:
    import torch

    values = {"transformer.wte.weight": Bomb(tmp_path / "ran")}
    if form == "plain":
        (old / "pytorch_model.bin").write_bytes(pickle.dumps(values))
    else:
        torch.save(values, old / "pytorch_model.bin", _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(UserError, match="is not opened: it holds more than weights, and such files can run code"):
        import_model(folders, old)
    assert not (tmp_path / "ran").exists()
    assert everything(folders.models) == []


def test_strides_that_make_one_number_look_like_terabytes_are_refused(old: Path, folders: Folders) -> None:
    import torch

    config = json.loads((old / "config.json").read_text()) | {
        "vocab_size": 1_000_000,
        "n_embd": 6000,
        "n_inner": 900_000,
    }
    (old / "config.json").write_text(json.dumps(config))
    from gptdesk.gpt2.config import GPT2Config
    from gptdesk.gpt2.layout import is_transposed, stored_name, tensor_shapes

    one = torch.ones(1)
    state = {
        stored_name(name): one.expand(shape[::-1] if is_transposed(name) else shape)
        for name, shape in tensor_shapes(GPT2Config.from_json(config)).items()
    }
    torch.save(state, old / "pytorch_model.bin")
    with pytest.raises(UserError, match="claims to hold more numbers than it does"):
        import_model(folders, old)


def test_a_compressed_archive_is_refused(old: Path, folders: Folders) -> None:
    """Ten thousand times as large when it is unpacked."""
    with zipfile.ZipFile(old / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(UserError, match="is not opened: it is compressed"):
        import_model(folders, old)


def test_a_conversion_tells_how_far_it_is_and_can_be_ended(source: Path, folders: Folders, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(source / "config.json", old)
    torch.save(load_file(source / "model.safetensors"), old / "pytorch_model.bin")
    told: list[tuple[int, int]] = []
    import_model(folders, old, name="converted", progress=lambda done, total: told.append((done, total)))
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)
    assert len({round(share, 1) for share in shares}) > 4
    assert 0.95 < shares[-1] <= 1

    def cancel(done: int, total: int) -> None:
        if done > total / 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_model(folders, old, name="cancelled", progress=cancel)
    assert sorted(path.name for path in folders.models.iterdir()) == ["converted"]


def test_a_pointer_of_git_lfs_is_told_from_weights(old: Path, folders: Folders) -> None:
    (old / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(UserError, match=r"pytorch_model.bin is only a pointer of Git LFS .*; run git lfs pull\."):
        import_model(folders, old)


def test_what_would_be_imported_is_told_before(source: Path, folders: Folders) -> None:
    folder = look_at(folders, source)
    assert (folder.path, folder.name, folder.converted, folder.linkable) == (source, source.name, False, True)
    assert look_at(folders, source / WEIGHTS).name == source.name
    assert not folders.models.exists()


def test_an_old_file_is_called_as_its_folder_and_converted(old: Path, folders: Folders) -> None:
    pickle = look_at(folders, old / "pytorch_model.bin")
    assert (pickle.name, pickle.converted, pickle.linkable) == (old.name, True, False)


@pytest.mark.parametrize("contents", [{}, {"config.json": "{}"}, {"notes.txt": "hello"}, {"x.safetensors": "short"}])
def test_what_is_no_model_is_refused_before_a_name_is_asked_for(
    tmp_path: Path, folders: Folders, contents: dict[str, str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, text in contents.items():
        (folder / name).write_text(text)
    for path in (folder, *folder.iterdir(), tmp_path / "nothing"):
        if path.name != "config.json":
            with pytest.raises(UserError):
                look_at(folders, path)


@pytest.mark.parametrize("kept_as", ["safetensors", "pickle"])
def test_a_second_head_is_named_and_left_out(
    folders: Folders, tmp_path: Path, kept_as: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import GPT2Config, GPT2DoubleHeadsModel

    shape = {"vocab_size": 60, "n_positions": 16, "n_embd": 12, "n_layer": 1, "n_head": 2}
    model = GPT2DoubleHeadsModel(GPT2Config(**shape, bos_token_id=None, eos_token_id=None))
    source = tmp_path / "double"
    model.save_pretrained(source)
    if kept_as == "pickle":
        (source / WEIGHTS).unlink()
        torch.save(model.state_dict(), source / "pytorch_model.bin")
    assert look_at(folders, source).left_out == "multiple_choice_head"
    assert main(["models", "import", str(source)]) == 0
    assert "The language model is used; multiple_choice_head is left out." in capsys.readouterr().out
    entry = Library(folders).entry("double")
    assert entry.left_out == ("multiple_choice_head" if kept_as == "safetensors" else "")  # converted: it is not there
    assert entry.path is not None
    assert not any("multiple_choice" in name for name in weights_of(entry.path))
