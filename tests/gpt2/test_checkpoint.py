"""Models that go to and fro between transformers and us, and files that are refused."""

import json
import logging
import os
import re
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model, open_weights, read_config, save_model
from gptdesk.gpt2.config import OPENAI_SIZES, GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2

# OpenAI's four sizes with heads of 4 numbers, a sixth of the layers and few tokens.
SCALED_DOWN = {
    name: GPT2Config(
        vocab_size=301, n_positions=256, n_embd=4 * size.n_head, n_layer=size.n_layer // 6, n_head=size.n_head
    )
    for name, size in OPENAI_SIZES.items()
}
TINY = GPT2Config(vocab_size=61, n_positions=16, n_embd=12, n_layer=2, n_head=3)


def new_model(config: GPT2Config) -> GPT2:
    """Random weights, biases and norms among them, large enough for errors in any of them to show."""
    generator = torch.Generator().manual_seed(1)
    model = GPT2(config)
    for name, weight in model.named_parameters():
        mean = 1.0 if "ln_" in name and name.endswith("weight") else 0.0
        torch.nn.init.normal_(weight, mean=mean, std=0.15, generator=generator)
    return model.eval()


def new_reference(config: GPT2Config) -> transformers.GPT2LMHeadModel:
    values = {key: value for key, value in config.to_json().items() if key != "bias"}
    reference = transformers.GPT2LMHeadModel(transformers.GPT2Config(**values))
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in reference.parameters():
            weight += 0.15 * torch.randn(weight.shape, generator=generator)
    return reference.eval()


def load_reference(folder: Path) -> transformers.GPT2LMHeadModel:
    """transformers' model of a folder, which it must find complete and without surprises."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    try:
        reference, info = transformers.GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
    finally:
        logger.removeHandler(handler)
    assert not any(info.values()), info
    assert not records, records
    return reference.eval()


def assert_same_logits(model: GPT2, reference: transformers.GPT2LMHeadModel, length: int | None = None) -> None:
    config = model.config
    ids = torch.randint(
        0, config.vocab_size, (2, length or config.n_positions), generator=torch.Generator().manual_seed(3)
    )
    with torch.inference_mode():
        torch.testing.assert_close(model(ids), reference(ids).logits, atol=1e-4, rtol=0)


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    """Replaces the tensors in a folder's weights."""
    path = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    save_file(change(tensors), path, metadata={"format": "pt"})


def reconfigure(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def refusal(folder: Path, **options: Any) -> str:
    """The sentence with which loading is refused."""
    with pytest.raises(UserError) as caught:
        load_model(folder, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound model folder."""
    save_model(new_model(TINY), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("config", SCALED_DOWN.values(), ids=SCALED_DOWN)
def test_a_folder_of_transformers_gives_the_same_logits(tmp_path: Path, config: GPT2Config) -> None:
    reference = new_reference(config)
    reference.save_pretrained(tmp_path)
    assert_same_logits(load_model(tmp_path), reference)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("config", SCALED_DOWN.values(), ids=SCALED_DOWN)
def test_a_folder_of_ours_gives_transformers_the_same_logits(tmp_path: Path, config: GPT2Config, bias: bool) -> None:
    model = new_model(GPT2Config(**(vars(config) | {"bias": bias})))
    save_model(model, tmp_path)
    assert_same_logits(model, load_reference(tmp_path))


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_folder_of_ours_gives_us_the_same_model(tmp_path: Path, bias: bool, tied: bool) -> None:
    model = new_model(GPT2Config(**(vars(TINY) | {"bias": bias, "tie_word_embeddings": tied, "n_inner": 20})))
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert again.config == model.config
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
    assert (again.lm_head.weight is again.wte.weight) == tied
    assert not again.training
    assert_same_logits(again, load_reference(tmp_path))


def test_the_full_124m_give_the_same_logits(tmp_path: Path) -> None:
    model = GPT2(OPENAI_SIZES["gpt2"]).eval()
    model.init_weights(torch.Generator().manual_seed(4))
    try:
        save_model(model, tmp_path)
        assert_same_logits(load_model(tmp_path), load_reference(tmp_path), length=32)
    finally:
        shutil.rmtree(tmp_path)  # half a gigabyte that pytest would keep


@torch.inference_mode()
def test_greedy_text_is_the_same_over_200_tokens(tmp_path: Path) -> None:
    config = SCALED_DOWN["gpt2"]
    reference = new_reference(config)
    reference.save_pretrained(tmp_path)
    prompt = torch.randint(0, config.vocab_size, (1, 20), generator=torch.Generator().manual_seed(5))
    expected = reference.generate(prompt, max_new_tokens=200, min_new_tokens=200, do_sample=False, pad_token_id=0)

    model = load_model(tmp_path)
    cache = KVCache(config, dtype=torch.float32, device=torch.device("cpu"))
    ids, fed = prompt, prompt
    for _ in range(200):
        fed = model.next_token_logits(fed, cache).argmax(dim=1, keepdim=True)
        ids = torch.cat([ids, fed], dim=1)
    assert ids.tolist() == expected.tolist()
    assert len(set(ids[0, 20:].tolist())) > 2


def without_prefix(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}


def with_masks(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    mask = torch.ones(1, 1, 16, 16, dtype=torch.uint8).tril()
    for layer in range(2):
        tensors[f"transformer.h.{layer}.attn.bias"] = mask.clone()
        tensors[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    return tensors


def with_the_head_stored(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return tensors | {"lm_head.weight": tensors["transformer.wte.weight"].clone()}


def with_the_head_alone(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return tensors | {"lm_head.weight": tensors.pop("transformer.wte.weight")}


@pytest.mark.parametrize(
    "change",
    [
        without_prefix,
        with_masks,
        with_the_head_stored,
        with_the_head_alone,
        lambda tensors: without_prefix(with_masks(with_the_head_stored(tensors))),
    ],
    ids=["no prefix", "masks", "head stored", "head alone", "all at once"],
)
def test_every_way_to_name_the_tensors_is_read(folder: Path, change: Any) -> None:
    expected = load_model(folder)
    rewrite(folder, change)
    model = load_model(folder)
    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    assert model.lm_head.weight is model.wte.weight
    assert_same_logits(model, transformers.GPT2LMHeadModel.from_pretrained(folder).eval())


def test_a_head_that_differs_is_untied(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors | {"lm_head.weight": tensors["transformer.wte.weight"] + 1})
    model = load_model(folder)
    assert not model.config.tie_word_embeddings
    assert_same_logits(model, transformers.GPT2LMHeadModel.from_pretrained(folder).eval())


def test_split_weights_are_read(tmp_path: Path) -> None:
    reference = new_reference(SCALED_DOWN["gpt2"])
    reference.save_pretrained(tmp_path, max_shard_size="60KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    assert_same_logits(load_model(tmp_path), reference)


@pytest.mark.parametrize("stored", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
def test_any_precision_is_read_in_any_other(tmp_path: Path, stored: torch.dtype, wanted: torch.dtype) -> None:
    model = new_model(TINY)
    save_model(model, tmp_path, dtype=stored)
    loaded = load_model(tmp_path, dtype=wanted).state_dict()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(loaded[name], weight.to(stored).to(wanted), rtol=0, atol=0)


def test_transformers_reads_the_precision_that_we_wrote(tmp_path: Path) -> None:
    save_model(new_model(TINY), tmp_path, dtype=torch.bfloat16)
    assert load_reference(tmp_path).dtype == torch.bfloat16


def test_padding_of_the_vocabulary_is_cut(tmp_path: Path) -> None:
    padded = new_model(TINY.padded_to(64))
    save_model(padded, tmp_path, vocab_size=TINY.vocab_size)
    model = load_model(tmp_path)
    assert model.config == TINY
    torch.testing.assert_close(model.wte.weight, padded.wte.weight[: TINY.vocab_size], rtol=0, atol=0)


def test_metadata_goes_into_the_header(tmp_path: Path) -> None:
    from safetensors import safe_open

    save_model(new_model(TINY), tmp_path, metadata={"step": "300"})
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt", "step": "300"}


def test_progress_counts_weights(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    load_model(folder, progress=lambda read, total: seen.append((read, total)))
    assert seen[-1] == (TINY.num_parameters(), TINY.num_parameters())
    assert seen == sorted(set(seen))


def test_progress_can_end_the_loading(folder: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(read: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        load_model(folder, progress=cancel)


def test_loaded_weights_no_longer_need_the_file(folder: Path) -> None:
    model = load_model(folder)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(0)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells which pages of a file are in memory")
def test_what_was_read_of_the_file_can_be_released_and_read_again(folder: Path) -> None:
    def resident(path: Path) -> int:
        """Kilobytes of the mapped file that count as this process's memory."""
        maps = Path("/proc/self/smaps").read_text().split("VmFlags:")
        return sum(int(match[1]) for one in maps if f" {path}" in one and (match := re.search(r"Rss: +(\d+)", one)))

    with open_weights(folder) as (_, stored):
        tensor = stored["wte.weight"]
        before = tensor.read().clone()
        assert resident(tensor.path) > 0
        tensor.release()
        assert resident(tensor.path) == 0
        assert torch.equal(tensor.read(), before)


def test_a_loaded_model_can_be_trained(folder: Path) -> None:
    model = load_model(folder).train()
    ids = torch.randint(0, TINY.vocab_size, (2, 9))
    model.loss(ids[:, :-1], ids[:, 1:]).backward()
    assert all(weight.grad is not None for weight in model.parameters())


# Writing


def test_what_was_there_stays_when_writing_fails(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with file_size_limit(1000), pytest.raises(UserError, match="cannot be written"):
        save_model(new_model(TINY), folder, metadata={"step": "1"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_writing_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="cannot be written"):
        save_model(new_model(TINY), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_written_files_have_the_mode_of_any_new_file(folder: Path) -> None:
    (folder / "new").touch()
    modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
    assert len(set(modes.values())) == 1, modes


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Makes writing past so many bytes fail, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Refusals


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "There is no folder" in refusal(tmp_path / "nowhere")
    assert "There is no folder" in refusal(tmp_path / "nul\0l")
    assert "cannot be read" in refusal(tmp_path / ("long" * 1000))


def test_a_file_in_place_of_the_folder(folder: Path) -> None:
    assert "is not a folder" in refusal(folder / "config.json")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"has no {name}" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_in_place_of_a_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert f"{name} is not a file" in refusal(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pipe_in_place_of_a_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert f"{name} is not a file" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_links_are_followed(folder: Path, name: str) -> None:
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(folder.parent / name)
    assert load_model(folder).config == TINY
    (folder.parent / name).unlink()
    assert f"has no {name}" in refusal(folder)
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)
    assert "cannot be read" in refusal(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read everything")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "."])
def test_no_permission(folder: Path, name: str) -> None:
    path = folder / name
    path.chmod(0)
    try:
        assert "Permission denied" in refusal(folder)
    finally:
        path.chmod(0o700)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "ckpt.pt"])
def test_pickles_are_not_loaded(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    sentence = refusal(folder)
    assert "only safetensors are loaded" in sentence
    assert name in sentence


@pytest.mark.parametrize(
    "contents",
    [b"", b"{", b"\xff\xfe", b"nonsense", b'{"a": ' * 50_000, b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}"],
)
def test_a_config_that_is_not_json(folder: Path, contents: bytes) -> None:
    (folder / "config.json").write_bytes(contents)
    assert "config.json is damaged" in refusal(folder)


@pytest.mark.parametrize("contents", ["[]", "null", '"gpt2"', "12"])
def test_a_config_that_is_no_object(folder: Path, contents: str) -> None:
    (folder / "config.json").write_text(contents)
    assert "one JSON object" in refusal(folder)


def test_a_config_that_is_a_film(folder: Path) -> None:
    with (folder / "config.json").open("wb") as file:
        file.truncate(1 << 40)
    assert "no description of a model" in refusal(folder)


def test_another_architecture(folder: Path) -> None:
    reconfigure(folder, model_type="llama")
    assert "only GPT-2 models" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vocab_size", 62),
        ("n_positions", 17),
        ("n_embd", 15),
        ("n_inner", 12),
        ("vocab_size", 10**6),
        ("n_layer", 1000),
    ],
)
def test_a_config_that_does_not_fit_the_weights(folder: Path, name: str, value: int) -> None:
    reconfigure(folder, **{name: value})
    assert ("incomplete" if name == "n_layer" else "do not fit its config.json") in refusal(folder)


def test_too_many_layers_in_the_file(folder: Path) -> None:
    reconfigure(folder, n_layer=1)
    assert "11 more tensors are unknown" in refusal(folder)


@pytest.mark.parametrize("name", ["wte.weight", "wpe.weight", "h.1.attn.c_attn.bias", "ln_f.weight"])
def test_a_missing_tensor(folder: Path, name: str) -> None:
    rewrite(folder, lambda tensors: {key: value for key, value in tensors.items() if key != f"transformer.{name}"})
    assert f"{name} is missing" in refusal(folder)


def test_a_missing_head(folder: Path) -> None:
    reconfigure(folder, tie_word_embeddings=False)
    assert "lm_head.weight is missing" in refusal(folder)


def test_an_unknown_tensor(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors | {"score.weight": torch.zeros(2, 12)})
    assert "score.weight is unknown" in refusal(folder)


def test_a_tensor_under_two_names(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors | {"ln_f.bias": torch.zeros(12)})
    assert "ln_f.bias a second time" in refusal(folder)


@pytest.mark.parametrize("shape", [(12, 61), (61,), (61, 12, 1), (0, 12), ()])
def test_a_wrong_shape(folder: Path, shape: tuple[int, ...]) -> None:
    rewrite(folder, lambda tensors: tensors | {"transformer.wte.weight": torch.zeros(shape)})
    assert "wte.weight has the shape" in refusal(folder)


@pytest.mark.parametrize("shape", [(36, 12), (432,), (12, 36, 1)])
def test_a_wrong_shape_where_weights_are_transposed(folder: Path, shape: tuple[int, ...]) -> None:
    rewrite(folder, lambda tensors: tensors | {"transformer.h.0.attn.c_attn.weight": torch.zeros(shape)})
    assert "h.0.attn.c_attn.weight has the shape" in refusal(folder)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float8_e4m3fn, torch.complex64, torch.bool])
def test_weights_that_are_no_floats(folder: Path, dtype: torch.dtype) -> None:
    rewrite(folder, lambda tensors: tensors | {"transformer.ln_f.bias": torch.zeros(12, dtype=dtype)})
    assert "transformer.ln_f.bias as" in refusal(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "name", ["transformer.wte.weight", "transformer.h.1.mlp.c_proj.weight", "transformer.ln_f.bias"]
)
def test_weights_that_are_not_finite(folder: Path, name: str, value: float) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        tensors[name].view(-1)[-1] = value
        return tensors

    rewrite(folder, spoil)
    assert "not finite numbers" in refusal(folder)
    assert "not finite numbers" in refusal(folder, dtype=torch.bfloat16)


def test_weights_too_large_for_half_precision(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors | {"transformer.ln_f.bias": torch.full((12,), 1e5)})
    assert "too large for float16; use float32" in refusal(folder, dtype=torch.float16)
    assert load_model(folder, dtype=torch.bfloat16)


def test_biases_in_a_model_without(folder: Path) -> None:
    reconfigure(folder, bias=False)
    assert "no biases, but" in refusal(folder)


def test_truncated_weights(folder: Path) -> None:
    """At every length around the header's ends, and at many others."""
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    lengths = {*range(20), *range(header - 20, header + 20), *range(0, len(whole), 500), len(whole) - 1}
    for length in sorted(lengths):
        path.write_bytes(whole[:length])
        assert "damaged or incomplete" in refusal(folder)


def test_bytes_after_the_weights(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"more")
    assert "damaged or incomplete" in refusal(folder)


@pytest.mark.parametrize("length", [0, 1, 99, 2**20, 2**31, 2**32, 2**40, 2**63, 2**64 - 1])
def test_a_header_that_lies_about_its_length(folder: Path, length: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    assert "damaged or incomplete" in refusal(folder)


def write_header(folder: Path, header: dict[str, Any], size: int) -> None:
    """A file with that header and a body of so many zeros, which take no room on most disks."""
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)


def claims(numbers: int) -> dict[str, Any]:
    return {"wte.weight": {"dtype": "F32", "shape": [numbers // 12, 12], "data_offsets": [0, 4 * numbers]}}


def test_a_header_that_claims_terabytes(folder: Path) -> None:
    write_header(folder, claims(12 << 40), 16)
    assert "damaged or incomplete" in refusal(folder)
    write_header(folder, {"wte.weight": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 16]}}, 16)
    assert "damaged or incomplete" in refusal(folder)


def test_a_file_of_terabytes(folder: Path) -> None:
    try:
        write_header(folder, claims(12 << 36), 48 << 36)
    except OSError:
        pytest.skip("the disk has no sparse files of this size")
    sentence = refusal(folder)  # it can be mapped or not, as the system likes
    assert "cannot be read" in sentence or "incomplete" in sentence


def test_a_model_larger_than_the_memory(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=1, n_positions=1, n_embd=65536, n_layer=8, n_head=1, bias=False)
    with torch.device("meta"):
        model = GPT2(config)
    header: dict[str, Any] = {}
    size = 0
    for name, weight in model.named_parameters():
        shape = list(weight.shape) if weight.dim() < 2 or "w" in name[:3] else list(weight.shape)[::-1]
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [size, size + 2 * weight.numel()]}
        size += 2 * weight.numel()
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    try:
        write_header(tmp_path, header, size)
    except OSError:
        pytest.skip("the disk has no sparse files of this size")
    sentence = refusal(tmp_path)
    assert "TB of memory" in sentence or "cannot be read" in sentence


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.binary(max_size=200))
def test_random_weights_files_are_refused(folder: Path, contents: bytes) -> None:
    (folder / "model.safetensors").write_bytes(contents)
    assert "model.safetensors" in refusal(folder)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("sound")
    save_model(new_model(TINY), folder)
    return folder, (folder / "model.safetensors").read_bytes()


@settings(max_examples=300)
@given(data=st.data())
def test_a_header_with_changed_bytes_never_does_worse_than_be_refused(sound: tuple[Path, bytes], data: Any) -> None:
    folder, whole = sound
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, header - 1))] = data.draw(st.sampled_from(b'0123456789"{}[],:aF\x00\xff'))
    (folder / "model.safetensors").write_bytes(changed)
    try:
        load_model(folder)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 (most changes are refused, harmless ones load)


def split(folder: Path) -> None:
    """Splits the weights of a folder in two."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    where = {name: f"model-0000{1 + (name > names[9])}-of-00002.safetensors" for name in names}
    for file in set(where.values()):
        save_file({name: tensors[name] for name in names if where[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))


def test_a_missing_shard(folder: Path) -> None:
    split(folder)
    assert load_model(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors is missing" in refusal(folder)


@pytest.mark.parametrize(
    "index", [[], {}, {"weight_map": {}}, {"weight_map": {"a": 1}}, {"weight_map": {"a": "../model.safetensors"}}]
)
def test_an_index_that_names_no_files_beside_it(folder: Path, index: Any) -> None:
    split(folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model.safetensors.index.json names" in refusal(folder)


def test_a_damaged_index(folder: Path) -> None:
    split(folder)
    (folder / "model.safetensors.index.json").write_text("{")
    assert "is damaged: it is not JSON" in refusal(folder)


def test_read_config_is_the_folders(folder: Path) -> None:
    assert read_config(folder) == TINY


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 548105171\n"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_pointer_of_git_lfs_is_told_from_a_damaged_file(tiny_model_folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "cloned")
    (tmp_path / "cloned" / name).write_text(POINTER)
    with pytest.raises(UserError, match=rf"{name} is only a pointer of Git LFS .*; run git lfs pull\."):
        load_model(tmp_path / "cloned")
