"""A hub that answers without end, and files too large for what they are: little is read, and one sentence said."""

import json
import shutil
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import read_config
from gptdesk.hub.answers import LARGEST_ANSWER, pages
from gptdesk.hub.errors import retry_after
from gptdesk.library.downloads.manager import Downloads
from gptdesk.library.repository import find_repository
from gptdesk.number_format import waiting_time
from tests.hub_server import Fault, Hub
from tests.library.conftest import Watch, add

MOST_MEMORY = 4 * LARGEST_ANSWER
BUFFERS = 16 * 2**20
"""Bytes that may be on their way between the server and us."""

ENDLESS = {
    "in an answer": Fault(endless=b'{"sha": "' + b" " * 65_536),
    "in a refusal": Fault(status=500, endless=b" " * 65_536),
    "in a redirect": Fault(status=302, endless=b" " * 65_536, headers={"Location": "/api/models/someone/tiny"}),
}


@pytest.fixture
def memory() -> Iterator[None]:
    """Fails where more memory was taken than a bounded answer needs."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MOST_MEMORY


def bomb(size: int) -> bytes:
    """So many blanks in JSON, as gzip has them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * 2**20
    return packer.compress(b'{"sha":') + b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def test_an_answer_without_end_is_left_when_it_is_too_long(hub: Hub, memory: None) -> None:
    hub.api_faults.append(ENDLESS["in an answer"])
    with pytest.raises(UserError, match="is longer than 16 MiB, which no answer is"):
        find_repository("someone/tiny")
    assert hub.poured < LARGEST_ANSWER + BUFFERS


def test_of_a_refusal_without_end_nothing_is_read(hub: Hub, memory: None) -> None:
    hub.api_faults.append(ENDLESS["in a refusal"])
    with pytest.raises(UserError, match=r"has an internal problem \(status 500\)"):
        find_repository("someone/tiny")
    assert hub.poured < BUFFERS


def test_of_a_redirect_without_end_nothing_is_read(hub: Hub, memory: None) -> None:
    hub.api_faults.append(ENDLESS["in a redirect"])
    assert find_repository("someone/tiny").repo == "someone/tiny"
    assert hub.poured < BUFFERS


def test_redirects_in_a_circle_end(hub: Hub) -> None:
    hub.api_faults.extend([Fault(status=302, headers={"Location": "/api/models/someone/tiny"})] * 20)
    with pytest.raises(UserError, match="is not understood"):
        find_repository("someone/tiny")


def test_a_packed_answer_is_not_unpacked_beyond_the_bound(hub: Hub) -> None:
    body = bomb(2**28)
    assert len(body) < 2**20
    hub.api_faults.append(Fault(body=body, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    with pytest.raises(UserError, match="is longer than 16 MiB"):
        find_repository("someone/tiny")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MOST_MEMORY + 2**26  # what one piece of 64 KiB can be unpacked to


def test_a_packed_answer_of_sensible_size_is_read(hub: Hub) -> None:
    repo = hub.repos["someone/tiny"]
    answer = {"sha": repo.commit, "siblings": [repo.sibling(name) for name in repo.files], "tags": ["license:mit"]}
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = packer.compress(json.dumps(answer).encode()) + packer.flush()
    hub.api_faults.append(Fault(body=body, headers={"Content-Encoding": "gzip"}))
    assert find_repository("someone/tiny").licence == "mit"


def test_a_packing_that_nobody_asked_for_is_refused(hub: Hub) -> None:
    hub.api_faults.append(Fault(body=b"{}", headers={"Content-Encoding": "zstd"}))
    with pytest.raises(UserError, match="is not understood"):
        find_repository("someone/tiny")


def test_a_list_in_parts_is_followed_on_the_same_host_alone(hub: Hub) -> None:
    url = f"{hub.url}/api/models/someone/tiny"
    hub.api_faults.append(Fault(body=b"[1]", headers={"Link": f'<{url}?cursor=2>; rel="next"'}))
    hub.api_faults.append(Fault(body=b"[2]"))
    assert list(pages(url, "someone/tiny")) == [b"[1]", b"[2]"]
    hub.api_faults.append(Fault(body=b"[1]", headers={"Link": '<http://elsewhere.invalid/x>; rel="next"'}))
    with pytest.raises(UserError, match="is not understood"):
        list(pages(url, "someone/tiny"))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors.index.json", "tokenizer.json"])
def test_small_files_that_are_listed_as_large_are_not_downloaded(
    hub: Hub, downloads: Downloads, watch: Watch, tiny_model_folder: Path, tmp_path: Path, name: str
) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "large")
    with (tmp_path / "large" / name).open("ab") as file:
        file.truncate(180_000_000)
    hub.add("someone/large", tmp_path / "large").know(name, "0" * 64)
    download = add(downloads, "someone/large")
    watch.until(lambda: not download.active)
    assert f"someone/large cannot be used: its {name} has 180,000,000 bytes" in download.error
    assert hub.sent == []


def test_a_file_that_goes_on_beyond_its_listed_size_is_left(hub: Hub, downloads: Downloads, watch: Watch) -> None:
    hub.always = Fault(endless=b" " * 65_536)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: not download.active)
    assert "config.json of someone/tiny arrived damaged" in download.error
    assert hub.poured < BUFFERS


def test_a_large_config_on_the_disk_is_refused_unread(tiny_model_folder: Path, tmp_path: Path, memory: None) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(180_000_000)
    with pytest.raises(UserError, match="has 180,000,000 bytes, which is no description of a model"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7), (" 120 ", 120), ("1.5", 1.5), ("1e300", 86_400), ("9" * 400, 86_400), ("0", 0),
        ("-5", None), ("nan", None), ("inf", 86_400), ("-inf", None), ("soon", None), ("", None), (None, None),
        ("٣", 3), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400), ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None), ("Fri, 31 Dec 2027 23:59:59", None),
    ],
)  # fmt: skip
def test_of_what_a_hub_asks_us_to_wait_a_day_is_believed(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_a_hub_may_name_the_time_when_it_is_ready() -> None:
    value = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    assert 7000 < (retry_after(value) or 0) <= 7200


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "1 second"), (40, "40 seconds"), (61, "2 minutes"), (3600, "1 hour"), (7201, "3 hours"), (86_400, "1 day")],
)
def test_a_wait_is_said_in_words(seconds: float, text: str) -> None:
    assert waiting_time(seconds) == text


def test_the_sentence_of_a_hub_that_asks_for_ages_can_be_read(hub: Hub, downloads: Downloads, watch: Watch) -> None:
    hub.api_faults.append(Fault(status=429, headers={"Retry-After": "1" + "0" * 300}))
    download = add(downloads, "someone/tiny")
    watch.until(lambda: not download.active)
    assert download.error == "The hub has had too many requests from here; try again in 1 day."


def test_what_a_hub_says_is_cut_to_a_sentence(hub: Hub) -> None:
    hub.api_faults.append(Fault(status=403, headers={"X-Error-Message": "x" * 5000}))
    with pytest.raises(UserError) as caught:
        find_repository("someone/tiny")
    assert len(str(caught.value)) < 400
