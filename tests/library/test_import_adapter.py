"""LoRA adapters, as `peft` makes them: merged with their base, they compute what peft computes."""

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.import_ import import_model, look_at
from gptdesk.library.library import Library
from tests.library.conftest import check_progress_and_cancelling, everything

IDS = [[464, 3290, 318, 257, 922, 3290, 50256]]
NAME = "adapter_model.safetensors"


@pytest.fixture
def base(tiny_model_folder: Path, folders: Folders) -> LibraryEntry:
    return import_model(folders, tiny_model_folder, name="base")


def trained(base: Path, folder: Path, *, tokens: int = 0, **settings: Any) -> Any:
    """Saves an adapter with random weights in ``folder``, and returns the logits of peft."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's advice on tied weights, and what it uses of others
        return saved_by_peft(base, folder, tokens, settings)


def saved_by_peft(base: Path, folder: Path, tokens: int, settings: dict[str, Any]) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(base)
    if tokens:
        model.resize_token_embeddings(tokens, mean_resizing=False)
    settings = {"target_modules": ["c_attn"], "fan_in_fan_out": True, "r": 4, "task_type": "CAUSAL_LM"} | settings
    model = get_peft_model(model, LoraConfig(**settings)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.empty_like(weight).normal_(std=0.2, generator=generator))
        model.save_pretrained(folder)
        return model(torch.tensor(IDS)).logits


def logits(folder: Path) -> Any:
    import torch

    from gptdesk.gpt2.checkpoint import load_model

    with torch.no_grad():
        return load_model(folder)(torch.tensor(IDS))


@pytest.fixture
def adapter(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A plain adapter to spoil."""
    trained(tiny_model_folder, tmp_path / "style")
    return tmp_path / "style"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"target_modules": ["c_attn", "c_proj", "c_fc"], "use_rslora": True, "lora_alpha": 3},
        {"fan_in_fan_out": False, "target_modules": r".*h\.1\.mlp\.c_fc"},
        {"target_modules": ["c_attn", "c_proj"], "rank_pattern": {"mlp.c_proj": 2}, "alpha_pattern": {"c_attn": 9}},
        {"bias": "all"},
        {"bias": "lora_only"},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["wte"]},
        {"modules_to_save": ["wte", "lm_head"]},
        {"target_modules": ["c_fc", "wte", "wpe"]},
        {"target_modules": ["c_fc", "lm_head"]},
    ],
    ids=str,
)
def test_merged_it_computes_what_peft_computes(
    base: LibraryEntry, folders: Folders, tmp_path: Path, settings: dict[str, Any]
) -> None:
    import torch
    from transformers import GPT2LMHeadModel

    assert base.path is not None
    expected = trained(base.path, tmp_path / "style", **settings)
    entry = import_model(folders, tmp_path / "style", base=base)
    assert entry.path is not None
    torch.testing.assert_close(logits(entry.path), expected, rtol=0, atol=1e-4)
    assert not torch.allclose(logits(base.path), expected, atol=1e-2)
    with torch.no_grad():
        theirs = GPT2LMHeadModel.from_pretrained(entry.path)(torch.tensor(IDS)).logits
    torch.testing.assert_close(theirs, expected, rtol=0, atol=1e-4)


def test_added_tokens_come_with_the_embedding_and_the_tokenizer_that_it_brings(
    base: LibraryEntry, folders: Folders, tmp_path: Path
) -> None:
    import torch

    assert base.path is not None
    expected = trained(base.path, tmp_path / "chat", tokens=50259, modules_to_save=["wte", "lm_head"])
    shutil.copy(base.path / "tokenizer.json", tmp_path / "chat")
    entry = import_model(folders, tmp_path / "chat", base=base)
    assert entry.path is not None
    assert entry.config is not None
    assert entry.config.vocab_size == 50259
    torch.testing.assert_close(logits(entry.path), expected, rtol=0, atol=1e-4)
    assert "tokenizer.json" in entry.sha256


def test_the_base_is_found_by_the_name_in_the_adapter(adapter: Path, base: LibraryEntry, folders: Folders) -> None:
    import torch

    described = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(described | {"base_model_name_or_path": "Base"}))
    for path in (adapter, adapter / NAME, adapter / "adapter_config.json"):
        found = look_at(folders, path)
        assert found.base is not None
        assert (found.name, found.base.name, found.base.is_here) == ("style", "Base", True)
        assert [entry.name for entry in found.base.entries] == ["base"]
    entry = import_model(folders, adapter)
    assert entry.path is not None
    assert base.path is not None
    assert not torch.allclose(logits(entry.path), logits(base.path), atol=1e-2)
    assert set(base.sha256) == set(entry.sha256)


def test_a_pickled_one_is_the_same(adapter: Path, base: LibraryEntry, folders: Folders) -> None:
    import torch
    from safetensors.torch import load_file

    first = import_model(folders, adapter, base=base)
    torch.save(load_file(adapter / NAME), adapter / "adapter_model.bin")
    (adapter / NAME).unlink()
    second = import_model(folders, adapter, base=base)
    assert first.path is not None
    assert second.path is not None
    assert torch.equal(logits(first.path), logits(second.path))


def test_a_base_that_is_not_here_is_asked_for(adapter: Path, base: LibraryEntry, folders: Folders) -> None:
    described = json.loads((adapter / "adapter_config.json").read_text())
    for name, sentence in {
        "someone/else": r"needs its base model, someone/else, which is not here; download it, or choose another",
        "/my/model": r"needs its base model, /my/model, which is not here; import it, or choose another",
        "": r"needs a base model; choose it \(--base\)",
    }.items():
        (adapter / "adapter_config.json").write_text(json.dumps(described | {"base_model_name_or_path": name}))
        found = look_at(folders, adapter)
        assert found.base is not None
        assert (found.base.is_here, [entry.name for entry in found.base.entries]) == (False, ["base"])
        with pytest.raises(UserError, match=sentence):
            import_model(folders, adapter)


def test_a_whole_model_takes_no_base(base: LibraryEntry, folders: Folders, tiny_model_folder: Path) -> None:
    with pytest.raises(UserError, match="is no adapter; leave the base model away"):
        import_model(folders, tiny_model_folder, base=base)


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / NAME)
    change(tensors)
    save_file(tensors, folder / NAME)


def described(folder: Path, **values: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def renamed(tensors: dict[str, Any], old: str, new: str) -> None:
    for name in [name for name in tensors if old in name]:
        tensors[name.replace(old, new)] = tensors.pop(name)


SPOILED: list[tuple[str, Callable[[Path], object], str]] = [
    ("a module that GPT-2 has not", lambda p: rewritten(p, lambda t: renamed(t, "attn.c_attn", "self_attn.q_proj")),
     "does not fit the model base: it changes 'h.0.self_attn.q_proj.weight', which the model does not have"),
    ("a layer too many", lambda p: rewritten(p, lambda t: renamed(t, "h.1.", "h.7.")), "'h.7.attn.c_attn.weight'"),
    ("another width", lambda p: rewritten(
        p, lambda t: t.update({n: w.repeat(1, 2) for n, w in t.items() if "lora_A" in n})),
     r"it changes h\.0\.attn\.c_attn\.weight of the shape \(144, 96\), which is \(144, 48\) in the model"),
    ("one of two matrices", lambda p: rewritten(p, lambda t: t.pop(next(n for n in t if "lora_A" in n))),
     "is incomplete"),
    ("matrices that contradict", lambda p: described(p, r=8), "contradicts itself"),
    ("no rank", lambda p: described(p, r=None), "has no r that is a number above 0"),
    ("a strange name", lambda p: rewritten(p, lambda t: renamed(t, "base_model.", "")), "which is not supported"),
    ("DoRA", lambda p: described(p, use_dora=True), "sets 'use_dora', which is not supported"),
    ("a setting of the future", lambda p: described(p, use_xlora=True), "sets 'use_xlora', which is not supported"),
    ("another method", lambda p: described(p, peft_type="IA3"), "of the type 'IA3'; only LORA"),
    ("a changed base", lambda p: described(p, init_lora_weights="pissa_niter_16"), "changes the base model too"),
    ("layers by pattern", lambda p: described(p, alpha_pattern={"(a+)+$": 3}), "chooses layers by"),
    ("damaged settings", lambda p: (p / "adapter_config.json").write_text("["), "is damaged: it is not JSON"),
    ("no weights", lambda p: (p / NAME).unlink(), "is not a whole adapter"),
    ("half of the weights", lambda p: (p / NAME).write_bytes((p / NAME).read_bytes()[:900]),
     "is damaged or incomplete"),
    ("a pointer for weights", lambda p: (p / NAME).write_text("version https://git-lfs.github.com/spec/v1\n"),
     "run git lfs pull"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "sentence"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED])
def test_what_does_not_fit_is_refused_and_nothing_is_left(
    adapter: Path, base: LibraryEntry, folders: Folders, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(adapter)
    with pytest.raises(UserError, match=sentence):
        import_model(folders, adapter, base=base)
    assert {path.partition("/")[0] for path in everything(folders.models)} == {"base"}


def test_a_merge_can_be_cancelled_and_leaves_nothing(adapter: Path, base: LibraryEntry, folders: Folders) -> None:
    check_progress_and_cancelling(folders, adapter, base=base)


@pytest.fixture
def untouched(folders: Folders, base: LibraryEntry) -> Iterator[None]:
    """The base is read only."""
    from gptdesk.library.verify import verify

    yield
    assert verify(Library(folders).entry("base")).ok


@pytest.mark.usefixtures("untouched")
def test_the_base_stays_as_it_is(adapter: Path, base: LibraryEntry, folders: Folders) -> None:
    import_model(folders, adapter, base=base)
