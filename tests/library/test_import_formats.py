"""The table of import formats, and what holds for all of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.cli import main
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.library.import_ import import_model, look_at
from gptdesk.library.importing import formats
from gptdesk.library.importing.format import Found, ImportFormat, ImportJob
from gptdesk.library.library import Library

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 548105171\n"


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path) -> ImportFormat:
    """A format of the future: a file that names a folder."""

    def write(job: ImportJob) -> dict[str, str]:
        shutil.copytree(job.found.path.read_text(), job.target, dirs_exist_ok=True)
        return {}

    added = ImportFormat(
        name="signpost",
        label="a signpost to a model (.signpost)",
        note="Its model is fetched.",
        patterns=("*.signpost",),
        generic=("model.signpost",),
        find=lambda path: path if path.suffix == ".signpost" else None,
        look=lambda source: Found(path=source, size=1),
        write=write,
    )
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, added))
    return added


def test_an_added_format_is_imported_offered_and_explained(
    added: ImportFormat, folders: Folders, tmp_path: Path, tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.signpost"
    file.write_text(str(tiny_model_folder))
    found = look_at(folders, file)
    assert (found.name, found.note, found.converted, found.linkable) == (tmp_path.name, added.note, True, False)
    assert import_model(folders, file).state == "ready"
    assert "*.signpost" in formats.file_patterns()
    with pytest.raises(SystemExit):
        main(["models", "import", "--help"])
    assert added.label in " ".join(capsys.readouterr().out.split())
    (tmp_path / "x.txt").write_text("no model")
    with pytest.raises(UserError, match=r"x\.txt is no model that gptdesk imports: .*a signpost to a model"):
        look_at(folders, tmp_path / "x.txt")


def test_every_format_is_explained_and_has_a_name_of_its_own() -> None:
    assert len({format.name for format in formats.FORMATS}) == len(formats.FORMATS)
    for format in formats.FORMATS:
        assert format.label.startswith(("a ", "pickled"))
        assert format.note.endswith(".")
        assert all(pattern == pattern.lower() for pattern in format.patterns)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "pytorch_model.bin", "ckpt.pt", "model.gguf"]
)
def test_a_pointer_of_git_lfs_is_recognised_in_the_place_of_every_file(
    folders: Folders, tmp_path: Path, tiny_model_folder: Path, name: str
) -> None:
    folder = Path(shutil.copytree(tiny_model_folder, tmp_path / "clone"))
    if name.endswith((".bin", ".pt", ".gguf")):
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(POINTER)
    for path in (folder,) if name.endswith(".json") else (folder, folder / name):
        with pytest.raises(UserError, match=rf"{name} is only a pointer of Git LFS .*; run git lfs pull"):
            import_model(folders, path)
    assert not folders.models.exists()


@pytest.mark.parametrize("name", ["model.gguf", "adapter_config.json", "model-1000.index", "ckpt.pt"])
def test_a_folder_of_another_format_that_is_named_as_a_model_is_to_be_imported(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_text("something")
    assert main(["models", "info", str(tmp_path / "folder")]) in (0, 2)
    printed = capsys.readouterr()
    assert f"import the folder, and gptdesk converts {name}" in " ".join((printed.out + printed.err).split())


@pytest.mark.parametrize("kind", ["pickle", "adapter"])
def test_the_tokens_that_end_a_text_stay_those_of_the_config(
    folders: Folders, tmp_path: Path, tiny_model_folder: Path, kind: str
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(tiny_model_folder, tmp_path / "own"))
    (folder / "generation_config.json").unlink()
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"eos_token_id": [198, 628], "bos_token_id": 198}))
    if kind == "pickle":
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        entry = import_model(folders, folder)
    else:
        adapter = tmp_path / "style"
        adapter.mkdir()
        name = "base_model.model.transformer.h.0.attn.c_attn.lora_"
        tensors = {f"{name}A.weight": torch.ones(1, 48), f"{name}B.weight": torch.ones(144, 1)}
        save_file(tensors, adapter / "adapter_model.safetensors")
        (adapter / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 1, "lora_alpha": 1}')
        entry = import_model(folders, adapter, base=Library(folders).entry(str(folder)))
    assert entry.path is not None
    written = json.loads((entry.path / "config.json").read_text())
    assert (written["bos_token_id"], written["eos_token_id"]) == (198, [198, 628])


def test_an_import_that_is_killed_leaves_no_model(folders: Folders, tmp_path: Path) -> None:
    """Not even half of one: what was written so far has a name that is not listed, and is removed a day later."""
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(CHECKPOINT)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    child.kill()
    child.communicate()
    assert list(Library(folders).installed()) == []
    (left,) = folders.models.iterdir()
    os.utime(left, (0, 0))
    assert import_model(folders, CHECKPOINT).state == "ready"
    assert [path.name for path in folders.models.iterdir()] == ["tensorflow_checkpoint"]


CHECKPOINT = Path(__file__).parent / "tensorflow_checkpoint"

KILLED = """
import sys, time
from pathlib import Path
from gptdesk.folders import Folders
from gptdesk.library.import_ import import_model

def stop(done, total):
    if 2 * done > total:
        print("half", flush=True)
        time.sleep(3600)

import_model(Folders.of_this_user(), Path(sys.argv[1]), progress=stop)
"""


def test_an_adapter_is_merged_on_the_command_line(
    folders: Folders, tmp_path: Path, tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from safetensors.torch import save_file

    folder = tmp_path / "style"
    folder.mkdir()
    name = "base_model.model.transformer.h.0.attn.c_attn.lora_"
    save_file({f"{name}A.weight": torch.ones(1, 48), f"{name}B.weight": torch.ones(144, 1)},
              folder / "adapter_model.safetensors")  # fmt: skip
    settings = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "base_model_name_or_path": "gpt2"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    assert main(["models", "import", str(folder)]) == 2
    assert "needs its base model, gpt2, which is not here; download it" in capsys.readouterr().err
    assert main(["models", "import", str(folder), "--base", "gpt2"]) == 2
    assert "gpt2 is not on this computer; download it first" in capsys.readouterr().err
    assert main(["models", "import", str(folder), "--base", str(tiny_model_folder), "--name", "mine"]) == 0
    assert f"{folder} is imported as mine." in capsys.readouterr().out
    assert main(["models", "import", str(tiny_model_folder), "--base", "mine"]) == 2
    assert "is no adapter" in capsys.readouterr().err
    entry = Library(folders).entry("mine")
    assert entry.config == Library(folders).entry(str(tiny_model_folder)).config
