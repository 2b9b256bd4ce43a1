"""Downloads from a hub that does everything wrong that a hub can do."""

import errno
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.hub.errors import retry_after
from gptdesk.hub.transfer import BLOCK
from gptdesk.library.catalogue import find_model
from gptdesk.library.downloads.manager import Downloads
from gptdesk.library.downloads.place import DOWNLOADS
from gptdesk.library.downloads.plan import Plan
from gptdesk.library.hubcache import cached_file
from gptdesk.library.library import Library
from gptdesk.library.record import read_record
from gptdesk.library.repository import find_repository
from gptdesk.library.verify import verify
from tests.hub_server import Fault, Hub
from tests.library.conftest import TOKENIZER, Followed, Watch, add, everything, only
from tests.patience import PATIENCE

WEIGHTS = "model.safetensors"
SLOW = 4e6


def same(folder: Path, other: Path) -> bool:
    return all((folder / name).read_bytes() == (other / name).read_bytes() for name in ("config.json", WEIGHTS))


def get(downloads: Downloads, watch: Watch, name: str = "someone/tiny") -> Followed:
    """Downloads it to whatever end."""
    download = add(downloads, name)
    watch.until(lambda: not download.active)
    return download


def test_a_model_is_downloaded_proven_and_written_down(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, tiny_model_folder: Path
) -> None:
    download = get(downloads, watch)
    assert (download.state, download.error) == ("ready", "")
    assert watch.states == ["queued", "resolving", "downloading", "verifying", "ready"]
    assert same(folders.models / "tiny", tiny_model_folder)
    record = read_record(folders.models / "tiny")
    repo = hub.repos["someone/tiny"]
    assert (record.source, record.revision, record.licence) == ("someone/tiny", repo.commit, "mit")
    assert record.sha256[WEIGHTS] == repo.sha256(WEIGHTS)
    assert set(record.sha256) == {WEIGHTS, "config.json", *TOKENIZER}
    assert download.done == download.total > repo.files[WEIGHTS].stat().st_size
    assert find_model("tiny", folders).path == download.path
    names = ["config.json", "model.json", "model.safetensors", *TOKENIZER]
    assert everything(folders.models) == ["tiny", *sorted(f"tiny/{name}" for name in names)]


def test_what_is_here_is_not_downloaded_again(downloads: Downloads, watch: Watch) -> None:
    get(downloads, watch)
    with pytest.raises(UserError, match="is here already, as tiny"):
        downloads.add("someone/tiny")


def test_a_name_that_is_taken_gets_a_number(downloads: Downloads, watch: Watch, hub: Hub, folders: Folders) -> None:
    (folders.models / "Tiny").mkdir(parents=True)
    assert get(downloads, watch).name == "tiny 2"


def test_another_model_is_not_called_as_a_known_one(
    downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path
) -> None:
    hub.add("someone/gpt2", tiny_model_folder)
    assert get(downloads, watch, "someone/gpt2").name == "someone gpt2"


def test_progress_is_told_five_times_a_second_at_most(downloads: Downloads, watch: Watch, hub: Hub) -> None:
    hub.always = Fault(bytes_per_s=8e6)
    begin = time.monotonic()
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.bytes_per_s > 0 and download.seconds_left is not None)
    assert 0 < download.bytes_per_s < 2e7
    watch.until(lambda: not download.active)
    assert watch.reports <= 5 * (time.monotonic() - begin) + 2 * len(watch.states)


def test_pausing_keeps_what_is_here_and_going_on_fetches_the_rest(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, tiny_model_folder: Path
) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.done > 1_000_000)
    download.pause()
    assert download.state == "paused"
    part = folders.models / DOWNLOADS / "tiny" / f"{WEIGHTS}.part"
    here = part.stat().st_size
    assert here > 900_000
    hub.always = None
    download.start()
    watch.until(lambda: not download.active)
    assert same(download.path, tiny_model_folder)
    assert hub.last().start == here
    assert hub.last().if_range == f'"cdn-{WEIGHTS}"'


def test_cancelling_leaves_nothing(downloads: Downloads, watch: Watch, hub: Hub, folders: Folders) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.done > 500_000)
    download.cancel()
    watch.until(lambda: download.state == "cancelled")
    assert everything(folders.models) == []
    assert downloads.list() == ()


@pytest.mark.parametrize("when", ["before the answer", "within the file"])
def test_cancelling_does_not_wait_for_a_silent_hub(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, when: str
) -> None:
    silent, reached = threading.Event(), threading.Event()
    hub.faults.append(Fault(cut=0 if when == "before the answer" else 100, stall=silent, reached=reached.set))
    try:
        download = add(downloads, "someone/tiny")
        assert reached.wait(600)
        download.cancel()
        watch.until(lambda: download.state == "cancelled")
        assert everything(folders.models) == []
    finally:
        silent.set()


def test_as_many_run_as_the_limit_allows(downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    for number in range(3):
        hub.add(f"someone/tiny{number}", tiny_model_folder)
    three = [add(downloads, f"someone/tiny{number}") for number in range(3)]
    watch.until(lambda: three[1].state == "downloading" == three[0].state)
    assert three[2].state == "queued"
    three[0].pause()
    watch.until(lambda: three[2].state == "downloading")
    hub.always = None
    three[0].start()
    watch.until(lambda: all(download.state == "ready" for download in three))


def test_what_was_left_half_done_is_offered_when_the_program_starts_again(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, tiny_model_folder: Path
) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.done > 500_000)
    downloads.close()
    hub.always = None
    again = Downloads(folders, on_change=watch)
    found = only(again)
    assert [status.name for status in again.unfinished()] == ["tiny"]
    assert (found.state, found.name, found.repo) == ("paused", "tiny", "someone/tiny")
    assert found.done > 500_000
    again.resume_all()
    watch.until(lambda: found.state == "ready")
    assert same(found.path, tiny_model_folder)
    assert hub.sent_of(WEIGHTS) < (tiny_model_folder / WEIGHTS).stat().st_size + 2 * BLOCK


def test_what_another_program_brought_to_its_end_is_not_begun_again(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders
) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.done > 100_000)
    seen = Watch()
    other = Downloads(folders, on_change=seen)
    found = only(other)
    hub.always = None
    download.pause()
    download.start()
    watch.until(lambda: download.state == "ready")
    with pytest.raises(UserError, match="Another gptdesk has finished the download of tiny, or cancelled it"):
        found.start()
    seen.until(lambda: found.state == "cancelled")
    assert other.list() == ()
    assert [path.name for path in folders.models.iterdir()] == ["tiny"]


def test_a_download_that_was_cut_off_while_it_was_forgotten_is_not_offered(
    downloads: Downloads, watch: Watch, folders: Folders
) -> None:
    hub_plan = Plan("someone/tiny", found=find_repository("someone/tiny"))
    assert get(downloads, watch).state == "ready"
    folder = folders.models / DOWNLOADS / "tiny"
    folder.mkdir(parents=True)
    hub_plan.write(folder)
    assert Downloads(folders).list() == ()
    assert [path.name for path in folders.models.iterdir()] == ["tiny"]


def test_pausing_while_the_hub_is_asked_learns_nothing_more(downloads: Downloads, watch: Watch, hub: Hub) -> None:
    silent = threading.Event()
    hub.api_faults.append(Fault(stall=silent))
    download = add(downloads, "someone/tiny")
    (thread,) = (each for each in threading.enumerate() if each.name == "download tiny")
    watch.until(lambda: download.state == "resolving")
    download.pause()
    silent.set()
    thread.join(PATIENCE)
    assert (download.state, download.revision) == ("paused", "")


def test_two_programs_do_not_download_the_same(downloads: Downloads, watch: Watch, hub: Hub, folders: Folders) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.done > 100_000)
    other = Downloads(folders)
    found = only(other)
    found.start()
    assert (found.state, found.error) == (
        "failed",
        "Another gptdesk is downloading this model; wait until it ends, or stop it there.",
    )
    with pytest.raises(UserError, match="Another gptdesk is downloading this model"):
        found.cancel()
    hub.always = None
    download.pause()
    download.start()
    watch.until(lambda: download.state == "ready")


@pytest.mark.parametrize("offset", [0, 7, 8, 200, 1_000_000, -1], ids=str)
def test_a_flipped_byte_is_caught(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, offset: int, tiny_model_folder: Path
) -> None:
    size = (tiny_model_folder / WEIGHTS).stat().st_size
    hub.faults.extend([None, Fault(flip=offset % size)])
    download = get(downloads, watch)
    assert download.state == "failed"
    expected = hub.repos["someone/tiny"].sha256(WEIGHTS)[:16]
    assert download.error.startswith(
        f"model.safetensors of someone/tiny arrived damaged: the hash {expected}… was expected, but it has "
    )
    assert "download it again" in download.error
    with pytest.raises(UserError):
        find_model("tiny", folders)
    assert not [name for name in everything(folders.models) if name.endswith((".part", ".safetensors"))]
    download.start()
    watch.until(lambda: download.state == "ready")
    assert same(download.path, tiny_model_folder)


def test_a_flipped_byte_in_a_small_file_is_caught_by_gits_hash(
    downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path
) -> None:
    hub.faults.append(Fault(flip=30))
    download = get(downloads, watch)
    assert download.error.startswith("config.json of someone/tiny arrived damaged: the hash ")


def test_a_byte_that_is_flipped_on_the_disk_while_paused_is_caught(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders
) -> None:
    hub.always = Fault(bytes_per_s=SLOW)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: download.done > 500_000)
    download.pause()
    with (folders.models / DOWNLOADS / "tiny" / f"{WEIGHTS}.part").open("r+b") as part:
        part.seek(random.randrange(400_000))
        byte = part.read(1)[0]
        part.seek(-1, os.SEEK_CUR)
        part.write(bytes([byte ^ 64]))
    hub.always = None
    download.start()
    watch.until(lambda: not download.active)
    assert "arrived damaged" in download.error


FAULTS: dict[str, tuple[list[Fault | None], int]] = {
    "all is sent for a part": ([None, Fault(cut=500_000), Fault(ignore_range=True)], 500_000),
    "the file changed": ([None, Fault(cut=500_000, etag='"old"')], 500_000),
    "the part is too long for it": ([None, Fault(cut=500_000), Fault(status=416)], 500_000),
    "too many requests": ([None, Fault(status=429, headers={"Retry-After": "1"})], 0),
    "trouble of the hub": ([None, Fault(status=500), Fault(cut=300_000), Fault(status=503)], 0),
    "cut at once": ([Fault(cut=0), None, Fault(cut=0), Fault(cut=1)], 0),
    "an ETag that no header may hold": ([None, Fault(cut=500_000, etag='"\xe9"')], 0),
    "a weak ETag": ([None, Fault(cut=500_000, etag='W/"weak"'), Fault(etag='W/"weak"')], 0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_hub_with_moods_gives_the_file_in_the_end(
    downloads: Downloads, watch: Watch, hub: Hub, name: str, tiny_model_folder: Path
) -> None:
    faults, twice = FAULTS[name]
    hub.faults.extend(faults)
    download = get(downloads, watch)
    assert (download.state, download.error) == ("ready", "")
    assert same(download.path, tiny_model_folder)
    assert hub.sent_of(WEIGHTS) == (tiny_model_folder / WEIGHTS).stat().st_size + twice


@pytest.mark.parametrize("asked", ["for the file", "for the list of files"])
def test_a_download_waits_as_long_as_the_hub_says_and_tells(
    downloads: Downloads, watch: Watch, hub: Hub, asked: str
) -> None:
    fault = Fault(status=429, headers={"Retry-After": "239"})
    if asked == "for the file":
        hub.faults.extend([None, fault])
    else:
        hub.api_faults.append(fault)
    download = add(downloads, "someone/tiny")
    watch.until(lambda: bool(download.waiting))
    told = "The hub has had too many requests from here; try again in 4 minutes."
    assert re.fullmatch(rf"Trying again in \d minutes: {told}", download.waiting)
    questions = list(hub.asked)
    download.pause()
    assert (download.state, download.waiting) == ("paused", "")
    assert hub.asked == questions, "nothing more was asked"


@pytest.mark.parametrize("asked", ["for the file", "for the list of files"])
def test_after_the_wait_the_hub_is_asked_again(downloads: Downloads, watch: Watch, hub: Hub, asked: str) -> None:
    fault = Fault(status=429, headers={"Retry-After": "1"})
    if asked == "for the file":
        hub.faults.extend([None, fault])
    else:
        hub.api_faults.append(fault)
    assert get(downloads, watch).state == "ready"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("²", None),
        ("soon", None),
        ("-1", None),
        (None, None),
    ],
)
def test_retry_after_may_be_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds
    assert retry_after(formatdate(time.time() + 3600, usegmt=True)) == pytest.approx(3600, abs=PATIENCE)


def test_a_hub_that_asks_for_an_hour_is_not_waited_for(downloads: Downloads, watch: Watch, hub: Hub) -> None:
    hub.faults.extend([None, Fault(status=429, headers={"Retry-After": "3600"})])
    assert get(downloads, watch).error == ("The hub has had too many requests from here; try again in 1 hour.")


def test_more_bytes_than_listed_are_refused(downloads: Downloads, watch: Watch, hub: Hub) -> None:
    hub.faults.extend([None, Fault(body=bytes(20_000_000))])
    download = get(downloads, watch)
    assert "arrived damaged" in download.error
    assert "more" in download.error


def set_up(hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Makes that go wrong, and returns what to ask for."""
    repo = hub.repos["someone/tiny"]
    if name == "gated":
        repo.gated = True
    elif name == "private":
        repo.token = "secret"
    elif name == "private, with another token":
        repo.token = "secret"
        monkeypatch.setenv("HF_TOKEN", "good")
    elif name == "wrong token":
        monkeypatch.setenv("HF_TOKEN", "bad")
    elif name == "no repository":
        return "someone/nothing"
    elif name == "no revision":
        return "someone/tiny@v9"
    elif name == "no config":
        del repo.files["config.json"]
    elif name == "no weights":
        del repo.files[WEIGHTS]
    elif name == "a vocabulary that is not read":
        (folder / "spiece.model").write_bytes(b"x" * 20_000)
        repo.files["spiece.model"] = folder / "spiece.model"
    elif name == "offline":
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    elif name == "another architecture":
        llama = folder / "config.json"
        llama.write_text('{"model_type": "llama"}')
        repo.files["config.json"] = llama
    elif name == "config is no JSON":
        (folder / "config.json").write_text("[" * 5000)
        repo.files["config.json"] = folder / "config.json"
    elif name == "trouble of the hub":
        hub.api_faults.extend([Fault(status=500)] * 3)
    elif name == "no hub":
        hub.api_faults.append(Fault(body=b"<html>"))
    elif name == "an answer of another shape":
        hub.api_faults.append(Fault(body=b'{"id": "x", "siblings": [{"lfs": 3}]}'))
    elif name == "no commit":
        hub.api_faults.append(Fault(body=b'{"id": "x", "sha": "../../..", "siblings": []}'))
    elif name == "file gone":
        original = dict(repo.files)
        repo.files = {**original, "model.safetensors": folder / "gone"}
        (folder / "gone").write_bytes(b"x" * 20_000)
        repo.know(WEIGHTS, "0" * 64)
        hub.faults.extend([None, Fault(status=404, headers={"X-Error-Code": "EntryNotFound"})])
    return "someone/tiny"


NOT_UNDERSTOOD = (
    "The hub's answer about someone/tiny is not understood; is HF_ENDPOINT set to something else than a hub?"
)
OR_PRIVATE = "or a private one: check the name, or set HF_TOKEN to read it."
SENTENCES = {
    "gated": "someone/tiny requires that you accept its terms: do so at {url}/someone/tiny, then set "
    "HF_TOKEN to a token of yours.",
    "private": f"The hub has no model called someone/tiny, {OR_PRIVATE}",
    "private, with another token": "The hub has no model called someone/tiny, or a private one that your token may not "
    "read.",
    "wrong token": "The hub does not know the token in HF_TOKEN or in your login; make a new one at "
    "{url}/settings/tokens, or unset it: public models need none.",
    "no repository": f"The hub has no model called someone/nothing, {OR_PRIVATE}",
    "no revision": "someone/tiny has no revision v9.",
    "no config": "someone/tiny holds no model for transformers: it has no config.json.",
    "no weights": "someone/tiny holds no weights that gptdesk loads: neither model.safetensors nor pytorch_model.bin.",
    "a vocabulary that is not read": "The tokenizer of someone/tiny (spiece.model) has a form that cannot be read: "
    "load it with transformers, save it beside the weights as tokenizer.json, or vocab.json and merges.txt, or "
    "vocab.txt, and import that folder.",
    "offline": "The hub is needed for someone/tiny, but HF_HUB_OFFLINE is set; unset it.",
    "another architecture": "someone/tiny cannot be used: The model's type is 'llama'; only GPT-2 models can be used.",
    "config is no JSON": "The config.json of someone/tiny is no JSON.",
    "trouble of the hub": "The hub has an internal problem (status 500); try again later.",
    "no hub": NOT_UNDERSTOOD,
    "an answer of another shape": NOT_UNDERSTOOD,
    "no commit": NOT_UNDERSTOOD,
    "file gone": "someone/tiny has no file model.safetensors.",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_each_failure_has_its_sentence(
    downloads: Downloads, watch: Watch, hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    download = get(downloads, watch, set_up(hub, name, monkeypatch, tmp_path))
    assert download.state == "failed"
    assert download.error == SENTENCES[name].format(url=hub.url)
    if name == "another architecture":
        assert hub.sent_of(WEIGHTS) == 0, "nothing large is fetched for what cannot be used"


def test_without_a_network_it_is_a_sentence(
    downloads: Downloads, watch: Watch, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    download = get(downloads, watch)
    assert download.error.startswith("The hub at http://127.0.0.1:9 cannot be reached (")
    assert download.error.endswith("check the connection and try again.")


def test_a_hub_that_never_goes_on_is_given_up(downloads: Downloads, watch: Watch, hub: Hub) -> None:
    hub.faults.extend([None, *(Fault(cut=100_000 * count, ignore_range=True) for count in range(1, 12))])
    assert get(downloads, watch).error == (
        "The hub cannot resume model.safetensors of someone/tiny where the connection broke off; try again "
        "later, or over a steadier connection."
    )


def test_a_private_model_comes_with_the_token(
    downloads: Downloads, watch: Watch, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["someone/tiny"].token = "good"
    monkeypatch.setenv("HF_TOKEN", "good")
    assert get(downloads, watch).state == "ready"


@pytest.mark.parametrize("name", ["", "x", "a/b/c", "../x", "a/..", "a/b@", "a b/c", "a/b\0", "http://x/y", "a" * 5000])
def test_what_is_no_name_is_refused_at_once(downloads: Downloads, name: str) -> None:
    with pytest.raises(UserError, match="is no name of a model on the hub"):
        downloads.add(name)


def test_another_file_than_the_pinned_one_is_refused(
    downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path
) -> None:
    repo = hub.add("openai-community/gpt2", tiny_model_folder)
    repo.commit = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    download = get(downloads, watch, "gpt2")
    assert download.error.startswith(
        "The hub lists another model.safetensors for openai-community/gpt2 than gptdesk knows: it should have the hash "
        "248dfc3911869ec4…"
    )


def test_a_full_disk_is_told_before_anything_is_fetched(
    downloads: Downloads, watch: Watch, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    download = get(downloads, watch)
    assert "is too full: 77 MB are needed, 1 MB are free; make room and try again." in download.error
    assert hub.sent == []


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_a_disk_that_takes_no_more_keeps_what_is_here(
    hub: Hub, folders: Folders, watch: Watch, tiny_model_folder: Path
) -> None:
    """A limit on the size of files stands for the disk."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    result = subprocess.run(
        [sys.executable, "-m", "gptdesk", "models", "download", "someone/tiny"],
        preexec_fn=limit, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (1, "")
    assert (
        result.stderr
        == f"The disk of {folders.models} cannot hold a file of this size; choose another disk for the download.\n"
    )
    again = Downloads(folders, on_change=watch)
    found = only(again)
    assert found.state == "failed"
    assert found.done > 1_900_000
    found.start()
    watch.until(lambda: found.state == "ready")
    assert same(found.path, tiny_model_folder)


def test_a_full_disk_has_its_sentence(folders: Folders) -> None:
    from gptdesk.library.files import disk_sentence

    sentence = disk_sentence(OSError(errno.ENOSPC, "No space left on device"), folders.models, "download")
    assert sentence == (
        f"The disk of {folders.models} is full; make room and try the download again. "
        "The files downloaded so far are kept."
    )


def cache(hub: Hub, folder: Path) -> Path:
    """Fills the hub's cache as its own library does."""
    from huggingface_hub import constants, hf_hub_download

    for name in ("config.json", WEIGHTS):
        hf_hub_download("someone/tiny", name, endpoint=hub.url, cache_dir=constants.HF_HUB_CACHE)
    return Path(constants.HF_HUB_CACHE)


def test_a_file_in_the_hubs_cache_is_used(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, tiny_model_folder: Path
) -> None:
    place = cache(hub, tiny_model_folder)
    hub.sent.clear()
    download = get(downloads, watch)
    assert download.state == "ready"
    assert hub.sent_of(WEIGHTS) == hub.sent_of("config.json") - hub.sent_of("generation_config.json") == 0
    assert same(download.path, tiny_model_folder)
    shutil.rmtree(place)
    assert same(download.path, tiny_model_folder)


def test_a_damaged_file_in_the_hubs_cache_is_not_used(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, tiny_model_folder: Path
) -> None:
    place = cache(hub, tiny_model_folder)
    (blob,) = (path for path in place.rglob("blobs/*") if path.stat().st_size > 1_000_000)
    data = bytearray(blob.read_bytes())
    data[5_000_000] ^= 1
    blob.write_bytes(data)
    download = get(downloads, watch)
    assert same(download.path, tiny_model_folder)
    assert blob.read_bytes() == data, "the cache is never changed"


def test_a_cache_without_links_does_not_say_what_its_files_hash_to(
    downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path
) -> None:
    """As on Windows, where a file of the cache has no name but its own."""
    place = cache(hub, tiny_model_folder)
    for path in place.rglob("snapshots/*/*"):
        os.replace(path.resolve(), path)
    repo = hub.repos["someone/tiny"]
    download = get(downloads, watch, f"someone/tiny@{repo.commit}")
    assert (download.state, download.error) == ("ready", "")
    assert f"GET /api/models/someone/tiny/revision/{repo.commit}" in hub.asked, "only the hub knows the hashes"


def test_an_old_copy_in_the_cache_is_not_preferred_to_safetensors(
    downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path, tmp_path: Path
) -> None:
    from huggingface_hub import constants, hf_hub_download

    (tmp_path / "pytorch_model.bin").write_bytes(b"older than safetensors")
    repo = hub.repos["someone/tiny"]
    repo.files["pytorch_model.bin"] = tmp_path / "pytorch_model.bin"
    for name in ("config.json", "pytorch_model.bin"):
        hf_hub_download("someone/tiny", name, endpoint=hub.url, cache_dir=constants.HF_HUB_CACHE)
    download = get(downloads, watch, f"someone/tiny@{repo.commit}")
    assert (download.state, download.error) == ("ready", "")
    assert same(download.path, tiny_model_folder)


def test_the_cache_knows_openais_models_by_their_old_names_too(hub: Hub, tiny_model_folder: Path) -> None:
    commit = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    folder = cache(hub, tiny_model_folder) / "models--gpt2" / "snapshots" / commit
    shutil.copytree(tiny_model_folder, folder)
    assert cached_file("openai-community/gpt2", commit, WEIGHTS) == folder / WEIGHTS
    assert cached_file("openai-community/gpt2-xl", commit, WEIGHTS) is None


def test_with_the_cache_it_works_offline(
    downloads: Downloads, watch: Watch, hub: Hub, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(hub, tiny_model_folder)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    download = get(downloads, watch)
    assert (download.state, download.error) == ("ready", "")
    assert same(download.path, tiny_model_folder)


@pytest.fixture(scope="module")
def sharded(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("models") / "sharded"
    GPT2LMHeadModel.from_pretrained(tiny_model_folder).save_pretrained(folder, max_shard_size="400KB")
    return folder


def test_a_model_in_several_files_comes_whole(
    downloads: Downloads, watch: Watch, hub: Hub, sharded: Path, folders: Folders
) -> None:
    hub.add("someone/sharded", sharded)
    download = get(downloads, watch, "someone/sharded")
    assert (download.state, download.error) == ("ready", "")
    assert find_model("sharded", folders).size == sum(path.stat().st_size for path in sharded.glob("*.safetensors"))


def test_a_shard_that_is_missing_is_named(downloads: Downloads, watch: Watch, hub: Hub, sharded: Path) -> None:
    last = max(sharded.glob("*.safetensors")).name
    hub.add("someone/sharded", sharded, only=lambda name: name != last)
    assert get(downloads, watch, "someone/sharded").error.endswith(f"is not a whole model folder: {last} is missing.")


@pytest.fixture
def old(hub: Hub, tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A model without safetensors, on the hub as ``someone/old``."""
    import torch
    from transformers import GPT2LMHeadModel

    shutil.copy(tiny_model_folder / "config.json", tmp_path)
    torch.save(GPT2LMHeadModel.from_pretrained(tiny_model_folder).state_dict(), tmp_path / "pytorch_model.bin")
    hub.add("someone/old", tmp_path, only=lambda name: name in ("config.json", "pytorch_model.bin"))
    return tmp_path


def test_an_old_model_is_converted(
    downloads: Downloads, watch: Watch, old: Path, tiny_model_folder: Path, folders: Folders
) -> None:
    import torch

    from gptdesk.gpt2.checkpoint import load_model

    download = get(downloads, watch, "someone/old")
    assert (download.state, download.error) == ("ready", "")
    assert everything(download.path) == sorted(["config.json", "model.json", "model.safetensors", *TOKENIZER])
    ours, theirs = load_model(download.path).state_dict(), load_model(tiny_model_folder).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert verify(Library(folders).entry("old")).sentence == "old is sound: its files match their hashes."


def test_cancelling_a_conversion_leaves_nothing(
    downloads: Downloads, watch: Watch, hub: Hub, folders: Folders, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gptdesk.gpt2 import checkpoint

    begun, go_on, save = threading.Event(), threading.Event(), checkpoint.save_weights

    def slow(*arguments: Any, **more: Any) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)
        save(*arguments, **more)

    monkeypatch.setattr(checkpoint, "save_weights", slow)
    download = add(downloads, "someone/old")
    (thread,) = (each for each in threading.enumerate() if each.name == "download old")
    assert begun.wait(PATIENCE)
    download.cancel()
    watch.until(lambda: download.state == "cancelled")
    go_on.set()
    thread.join(PATIENCE)
    assert everything(folders.models) == []


def test_a_download_whose_record_is_damaged_can_only_be_cancelled(folders: Folders, watch: Watch, hub: Hub) -> None:
    folder = folders.models / DOWNLOADS / "lost"
    folder.mkdir(parents=True)
    (folder / "download.json").write_text("{")
    (folder / "model.safetensors.part").write_bytes(bytes(1000))
    downloads = Downloads(folders, on_change=watch)
    found = only(downloads)
    assert (found.state, found.done) == ("failed", 1000)
    with pytest.raises(UserError, match="cancel it to delete its files"):
        found.start()
    found.cancel()
    watch.until(lambda: found.state == "cancelled")
    assert everything(folders.models) == []
