"""Files and answers of strangers, made up by the thousand: each is taken, or refused with a sentence."""

import json
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import stored_name, tensor_shapes
from gptdesk.library.catalogue import describe_model
from gptdesk.library.downloads.manager import DOWNLOADS, Downloads
from gptdesk.library.downloads.plan import read_plan
from gptdesk.library.import_ import import_model
from gptdesk.library.library import Library
from gptdesk.library.names import check_name, free_name
from gptdesk.library.record import read_record
from gptdesk.library.repository import find_repository
from gptdesk.library.weights import check_weights
from tests.hub_server import Fault, Hub

SMALL = GPT2Config(n_layer=1, n_head=2, n_embd=4, n_positions=3, vocab_size=5)
CONFIG = SMALL.to_json()

fuzz = settings(max_examples=300, suppress_health_check=list(HealthCheck))
some = settings(max_examples=200, suppress_health_check=list(HealthCheck))

numbers = st.integers() | st.sampled_from([0, 1, -1, 2**31, 2**63, 2**64, 10**400]) | st.floats()
plain = st.none() | st.booleans() | numbers | st.text(max_size=20)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)


def changed(original: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The original with other values here and there, and without some."""
    keys = st.sampled_from(sorted(original))
    return st.builds(
        lambda other, without: {k: v for k, v in (original | other).items() if k not in without},
        st.dictionaries(keys, values, max_size=3),
        st.sets(keys, max_size=1),
    )


def refused(job: Callable[[], Any]) -> bool:
    """Whether it is refused, with a sentence that a person can read."""
    try:
        job()
    except UserError as error:
        sentence = str(error)
        assert sentence.endswith((".", "?"))
        assert len(sentence.splitlines()) == 1
        assert len(sentence) < 1000
        return True
    return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole model, whose files the tests replace."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("hostile")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    tensors = {}
    for name, shape in tensor_shapes(SMALL).items():
        tensors[stored_name(name)] = torch.zeros(shape[::-1] if "attn.c" in name or "mlp.c" in name else shape)
    save_file(tensors, folder / "model.safetensors")
    return folder


@pytest.fixture
def restored(place: Path) -> Iterator[Path]:
    """The model, whole again afterwards."""
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    yield place
    for path in place.iterdir():
        path.unlink()
    for name, data in before.items():
        (place / name).write_bytes(data)


def test_the_small_model_is_sound(restored: Path) -> None:
    assert load_model(restored).config == check_weights(restored) == SMALL


@fuzz
@given(config=changed(CONFIG) | values | st.binary(max_size=50))
def test_configs(restored: Path, config: Any) -> None:
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    (restored / "config.json").write_bytes(data)
    if refused(lambda: check_weights(restored)):
        assert refused(lambda: load_model(restored))
    refused(lambda: describe_model(restored))


def header() -> st.SearchStrategy[Any]:
    """What a safetensors file says that it holds: sizes up to terabytes, offsets anywhere, any names."""
    sizes = st.sampled_from([0, 1, 4, 5, 12, 2**20, 2**40, 2**63, -1])
    tensor = st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F32", "F16", "BF16", "I64", "U8", "F8_E4M3", "X", ""]) | values,
            "shape": st.lists(sizes, max_size=3) | values,
            "data_offsets": st.lists(sizes, min_size=2, max_size=2) | values,
        }
    )
    names = st.sampled_from([stored_name(name) for name in tensor_shapes(SMALL)]) | st.text(max_size=12)
    return st.dictionaries(names | st.just("__metadata__"), tensor | values, max_size=4) | values


@fuzz
@given(header=header(), length=st.none() | st.integers(0, 2**64 - 1), rest=st.binary(max_size=64))
def test_headers_of_weights(restored: Path, header: Any, length: int | None, rest: bytes) -> None:
    text = json.dumps(header).encode()
    size = struct.pack("<Q", len(text) if length is None else length)
    (restored / "model.safetensors").write_bytes(size + text + rest)
    assert refused(lambda: check_weights(restored))
    assert refused(lambda: load_model(restored))


@fuzz
@given(data=st.data())
def test_weights_with_bytes_changed_in_their_header(restored: Path, data: st.DataObject) -> None:
    whole = bytearray((restored / "model.safetensors").read_bytes())
    original = bytes(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        end = 8 + struct.unpack("<Q", original[:8])[0]
        whole[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    (restored / "model.safetensors").write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        if not refused(lambda: check_weights(restored)):
            load_model(restored)
    finally:
        (restored / "model.safetensors").write_bytes(original)


@some
@given(
    index=st.dictionaries(
        st.text(max_size=9),
        st.sampled_from(["../x.safetensors", "/etc/passwd", "model.safetensors"]) | values,
        max_size=3,
    ).map(lambda names: {"weight_map": names})
    | values
)
def test_indexes(restored: Path, index: Any) -> None:
    (restored / "model.safetensors").rename(restored / "a.safetensors")
    (restored / "model.safetensors.index.json").write_text(json.dumps(index))
    try:
        refused(lambda: check_weights(restored))
    finally:
        (restored / "a.safetensors").rename(restored / "model.safetensors")


@fuzz
@given(
    name=st.text(max_size=40) | st.text("./\\:~ aA0\0\n", max_size=8) | st.sampled_from(["..", "../..", "con", "NUL"])
)
def test_names(place: Path, name: str) -> None:
    models = place.parent / "names"
    models.mkdir(exist_ok=True)
    if not refused(lambda: check_name(name)):
        folder = models / name
        assert folder.parent == models
        assert folder.resolve().parent == models.resolve()
        folder.mkdir(exist_ok=True)
        folder.rmdir()
    free = free_name(name, models)
    assert (models / check_name(free)).resolve().parent == models.resolve()


RECORD = {
    "format": 1, "source": "a/b", "revision": "0" * 40, "added": "", "link": "/", "licence": "mit",
    "sha256": {"config.json": "0" * 64}, "defaults": {"precision": "float32", "decoding": {"temperature": 1.0}},
}  # fmt: skip


@fuzz
@given(record=changed(RECORD) | values | st.binary(max_size=40))
def test_records(restored: Path, record: Any) -> None:
    folders = Folders.under(restored / "home")
    folder = folders.models / "m"
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(record if isinstance(record, bytes) else json.dumps(record).encode())
    try:
        read_record(folder)
        (entry,) = Library(folders).installed()
        assert entry.state == "damaged"
        assert entry.problem.endswith(".")
    finally:
        (folder / "model.json").unlink()
        folder.rmdir()
        folders.models.rmdir()
        folders.models.parent.rmdir()


PLAN: dict[str, Any] = {
    "format": 1, "repo": "a/b", "asked": "", "error": "", "etags": {"config.json": '"x"'},
    "found": {"revision": "0" * 40, "licence": "mit", "files": [
        {"path": "config.json", "bytes": 3, "sha256": "", "blob": "0" * 40},
        {"path": "model.safetensors", "bytes": 3, "sha256": "0" * 64, "blob": ""},
    ]},
}  # fmt: skip
FILE = {"path": "../../evil.bin", "bytes": 2**70, "sha256": "x", "blob": ""}


FOUND = changed(PLAN["found"]) | changed(FILE).map(lambda file: PLAN["found"] | {"files": [file]})


@some
@given(plan=changed(PLAN) | FOUND.map(lambda found: PLAN | {"found": found}))
def test_records_of_downloads(place: Path, plan: Any) -> None:
    folders = Folders.under(place.parent / "plans")
    folder = folders.models / DOWNLOADS / "m"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "download.json").write_text(json.dumps(plan))
    (download,) = Downloads(folders).list()
    read = read_plan(folder)
    assert (download.state == "failed") >= (read is None)
    found = read.found if read else None
    assert found is None or all("/" not in file.path for file in found.files)


SIBLING = {"rfilename": "model.safetensors", "size": 9, "blobId": "0" * 40,
           "lfs": {"size": 9, "sha256": "0" * 64, "pointerSize": 1}}  # fmt: skip
ANSWER = {"id": "a/b", "sha": "0" * 40, "tags": ["license:mit"], "gated": False}


@some
@given(
    answer=changed(ANSWER),
    siblings=st.lists(
        changed(SIBLING)
        | st.sampled_from(["config.json", "../config.json", "/etc/passwd", "x\0", "C:\\x"]).map(
            lambda name: {"rfilename": name, "size": 3}
        )
        | values,
        max_size=4,
    ),
)
def test_answers_of_hubs(hub: Hub, answer: Any, siblings: Any) -> None:
    hub.api_faults.append(Fault(body=json.dumps(answer | {"siblings": siblings}).encode()))

    def ask() -> None:
        found = find_repository("a/b")
        assert all(file.path in ("config.json", "model.safetensors") for file in found.files)
        assert all(file.bytes >= 0 for file in found.files)

    refused(ask)


@pytest.fixture(scope="module")
def archive(place: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound ``pytorch_model.bin`` of the small model."""
    import torch
    from safetensors.torch import load_file

    path = tmp_path_factory.mktemp("archive") / "x.bin"
    torch.save(load_file(place / "model.safetensors"), path)
    return path.read_bytes()


@some
@given(data=st.data())
def test_pickles_with_bytes_changed(restored: Path, archive: bytes, data: st.DataObject) -> None:
    whole = bytearray(archive)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    take(restored, bytes(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))]))


@some
@given(pickled=st.binary(max_size=60).map(lambda data: b"\x80\x02" + data + b".") | values.map(pickle.dumps))
def test_pickles_of_anything(restored: Path, pickled: bytes) -> None:
    take(restored, pickled)


def take(folder: Path, data: bytes) -> None:
    """Imports a pickle: it is taken, or refused with a sentence, and then nothing is left."""
    (folder / "pytorch_model.bin").write_bytes(data)
    folders = Folders.under(folder.parent / "imports")
    if refused(lambda: import_model(folders, folder / "pytorch_model.bin", name="m")):
        assert not any(folders.models.iterdir())
    else:
        Library(folders).remove("m")
