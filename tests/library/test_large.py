"""Files that no 32-bit number counts."""

import hashlib
import json
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import is_transposed, stored_name, tensor_shapes
from gptdesk.library.downloads.manager import Downloads
from gptdesk.library.downloads.place import DOWNLOADS
from tests.hub_server import Fault, Hub
from tests.library.conftest import Watch, add

CONFIG = GPT2Config(n_layer=20, n_head=16, n_embd=2048, n_positions=64)
WEIGHTS = "model.safetensors"


def sparse_model(folder: Path) -> int:
    """A sound model of zeros, more than 4 GiB large, that takes hardly any disk; returns the size of its weights."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG.to_json()))
    header, offset = {}, 0
    for name, shape in tensor_shapes(CONFIG).items():
        stored = shape[::-1] if is_transposed(name) else shape
        size = 4
        for length in shape:
            size *= length
        header[stored_name(name)] = {"dtype": "F32", "shape": stored, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with (folder / WEIGHTS).open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    return (folder / WEIGHTS).stat().st_size


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class QuickHash:
    """In SHA-256's place, which takes ten seconds for 4 GiB where the processor does not know it."""

    def update(self, block: bytes) -> None: ...

    def hexdigest(self) -> str:
        return "f" * 64


@pytest.fixture
def size(hub: Hub, tmp_path: Path) -> int:
    """Of a model that the hub has."""
    large = sparse_model(tmp_path / "large")
    assert large > 2**32
    hub.add("someone/large", tmp_path / "large")
    return large


def test_the_bar_of_more_than_four_gib_is_right_when_it_goes_on(
    hub: Hub, folders: Folders, watch: Watch, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly all of it is here already; what is here and what comes are counted beyond 32 bits."""
    hub.repos["someone/large"].know(WEIGHTS, "0" * 64)  # the slow test hashes it
    monkeypatch.setattr("gptdesk.hub.digest.hashlib", SimpleNamespace(sha256=QuickHash, sha1=hashlib.sha1))
    downloads = Downloads(folders, on_change=watch)
    hub.faults.extend([None, Fault(status=404)])
    download = add(downloads, "someone/large")
    watch.until(lambda: not download.active)
    part = folders.models / DOWNLOADS / "large" / f"{WEIGHTS}.part"
    here = size - 3_000_000
    with part.open("wb") as file, (tmp_path / "large" / WEIGHTS).open("rb") as source:
        file.write(source.read(100_000))
        file.truncate(here)
    hub.always = Fault(bytes_per_s=3e6)
    seen: list[tuple[str, int, int]] = []
    downloads.on_change = lambda d: (seen.append((d.state, d.done, d.total)), watch(d))[-1]
    download.start()
    watch.until(lambda: not download.active)
    downloads.close()
    total = size + (tmp_path / "large" / "config.json").stat().st_size
    coming = [done for state, done, _ in seen if state == "downloading" and done > here]
    checked = [done for state, done, _ in seen if state == "verifying"]
    assert {all_of for _, _, all_of in seen if all_of} == {total}
    assert coming == sorted(coming)
    assert coming[0] > 2**32
    assert len(coming) >= 3
    assert len(checked) >= 3
    assert hub.last().range == f"bytes={here}-"
    assert "arrived damaged" in download.error, "the hub listed another hash"


@pytest.mark.slow
def test_more_than_four_gib_come_whole(hub: Hub, folders: Folders, watch: Watch, size: int, tmp_path: Path) -> None:
    """Takes 5 GB of disk and half a minute."""
    downloads = Downloads(folders, on_change=watch)
    shares: list[float] = []
    downloads.on_change = lambda d: (shares.append(d.done / d.total if d.total else 0), watch(d))[-1]
    download = add(downloads, "someone/large")
    while download.active:
        before = len(shares)
        watch.until(lambda: len(shares) > before or not download.active)  # noqa: B023 (called at once)
    assert (download.state, download.error) == ("ready", "")
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert hash_of(download.path / WEIGHTS) == hub.repos["someone/large"].sha256(WEIGHTS)
