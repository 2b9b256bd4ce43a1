"""Data sets of the hub, of which a small one of our own stands in: candidates, a pinned revision, broken downloads."""

import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow
import pyarrow.parquet
import pytest

from gptdesk.errors import UserError
from gptdesk.files import read_json
from trainer.data.shards import PreparedData
from trainer.prepare import Request, prepare

ROOT = Path(__file__).parents[2]
SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """As much of the hub as preparing needs.

    Attributes:
        sets: by (repository, revision), their files.
        breaks: paths whose next answer ends in the middle.
        wrong: paths that are answered with other bytes than are listed.
        asked: (path, Range) of each file that was asked for.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.sets: dict[tuple[str, str], dict[str, bytes]] = {}
        self.breaks: list[str] = []
        self.wrong: set[str] = set()
        self.asked: list[tuple[str, str | None]] = []


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(/revision/(.+))?", path):
            if (match[1], match[3] or "main") not in self.server.sets:
                return self._json(404, {"error": "no"}, "RevisionNotFound" if match[3] else "RepoNotFound")
            return self._json(200, {"id": match[1], "sha": SHA, "siblings": []})
        if match := re.fullmatch(rf"/api/datasets/([^/]+/[^/]+)/tree/{SHA}(/(.+))?", path):
            files = self._files(match[1])
            entries = [
                {"type": "file", "path": name, "size": len(body), "oid": "0" * 40, "lfs": {
                    "oid": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 1}}
                for name, body in files.items() if name.startswith(match[3] or "")
            ]  # fmt: skip
            return self._json(200, entries)
        match = re.fullmatch(rf"/datasets/([^/]+/[^/]+)/resolve/{SHA}/(.+)", path)
        assert match
        name = match[2]
        self.server.asked.append((name, self.headers["Range"]))
        body = self._files(match[1])[name]
        if name in self.server.wrong:
            body = bytes(len(body))
        begin = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        if name in self.server.breaks:
            self.server.breaks.remove(name)
            self.wfile.write(body[begin : begin + (len(body) - begin) // 2])
            self.close_connection = True
            return None
        self.wfile.write(body[begin:])
        return None

    def _files(self, repo: str) -> dict[str, bytes]:
        return next(files for (name, _), files in self.server.sets.items() if name == repo and files)

    def _json(self, status: int, values: Any, error: str = "") -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def parquet_of(texts: Sequence[str]) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), file, row_group_size=50)
    return file.getvalue()


def parquet(name: str, count: int) -> bytes:
    return parquet_of([f"{name} {i}: " + f"{i * 7919} is a number. " * 40 for i in range(count)])


FILES = {f"data/train-{i:05d}.parquet": parquet(f"file {i}", 200) for i in range(5)}


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def start(hub: Hub, tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HUB_OFFLINE": "0"}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "trainer", "prepare", *arguments, "--out", str(tmp_path / "out"), "--workers", "1"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(hub: Hub, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    with start(hub, tmp_path, *arguments) as process:
        output, errors = process.communicate()
    return process.returncode, output, errors


ORIGIN = ("hub", "revision", "file", "bytes", "sha256")


def test_the_first_candidate_that_has_parquet_is_taken_and_pinned(hub: Hub, tmp_path: Path) -> None:
    hub.sets["Skylion007/openwebtext", "refs/pr/18"] = {"README.md": b"a script", **FILES}
    code, _, errors = run(hub, tmp_path, "openwebtext")
    assert (code, errors) == (0, "")
    data = PreparedData.open(tmp_path / "out")
    assert data.manifest["documents"] == 1_000
    assert [{key: source[key] for key in ORIGIN} for source in data.manifest["sources"]] == [
        {
            "hub": "Skylion007/openwebtext",
            "revision": SHA,
            "file": name,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        for name, body in FILES.items()
    ]
    assert not (tmp_path / "out" / "downloads").exists(), "a file goes once it is encoded"
    progress = read_json(tmp_path / "out" / "progress.json")
    assert progress["downloaded"] == progress["download"] == sum(map(len, FILES.values()))
    for name, body in FILES.items():
        (tmp_path / Path(name).name).write_bytes(body)
    local = [str(tmp_path / Path(name).name) for name in FILES]
    manifest = prepare(Request(sources=tuple(local)), tmp_path / "local")
    assert manifest["splits"] == data.manifest["splits"]


def test_only_the_named_folder_and_no_held_out_files_are_read(hub: Hub, tmp_path: Path) -> None:
    other = parquet("other", 50)
    hub.sets["HuggingFaceFW/fineweb-edu", "main"] = {
        "data/other.parquet": other, "sample/10BT/000.parquet": FILES["data/train-00000.parquet"],
        "sample/10BT/test-000.parquet": other,
    }  # fmt: skip
    assert run(hub, tmp_path, "fineweb-edu")[0] == 0
    assert {name for name, _ in hub.asked} == {"sample/10BT/000.parquet"}


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    rng = random.Random(0)
    texts = [" ".join(str(rng.random()) for _ in range(100)) for _ in range(1_500)]
    large = parquet_of(texts)
    assert len(large) > 2 << 20
    hub.sets["someone/texts", "main"] = {"large.parquet": large}
    hub.breaks = ["large.parquet"]
    assert run(hub, tmp_path, "someone/texts")[0] == 0
    assert hub.asked == [("large.parquet", None), ("large.parquet", f"bytes={len(large) // 2}-")]
    assert PreparedData.open(tmp_path / "out").manifest["documents"] == len(texts)


def test_other_contents_than_the_hub_lists_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.sets["someone/texts", "main"] = FILES
    hub.wrong = {"data/train-00002.parquet"}
    code, _, errors = run(hub, tmp_path, "someone/texts")
    assert code == 2
    assert errors == (
        "data/train-00002.parquet of someone/texts arrives with other contents than the hub lists; try again later.\n"
    )
    assert read_json(tmp_path / "out" / "progress.json")["error"] == errors.strip()
    hub.wrong = set()
    assert run(hub, tmp_path, "someone/texts")[0] == 0
    assert PreparedData.open(tmp_path / "out").manifest["documents"] == 1_000


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is none there")
def test_stopped_while_the_hub_is_silent_what_is_encoded_is_not_downloaded_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.sets["someone/texts", "main"] = FILES
    ended, get = threading.Event(), Answer.do_GET

    def silent_at_the_last(self: Answer) -> None:
        if "train-00004" in self.path and not ended.is_set():  # it comes after two files have been encoded
            process.send_signal(signal.SIGTERM)
            ended.wait()
            self.close_connection = True
        else:
            get(self)

    monkeypatch.setattr(Answer, "do_GET", silent_at_the_last)
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "100")  # seconds that the hub's library waits for an answer
    with start(hub, tmp_path, "someone/texts") as process:
        try:
            process.communicate(timeout=600)
        finally:
            ended.set()
            process.kill()
    assert process.returncode == 143
    assert read_json(tmp_path / "out" / "progress.json")["state"] == "stopped"
    hub.asked.clear()
    assert run(hub, tmp_path, "someone/texts")[0] == 0
    assert "data/train-00000.parquet" not in {name for name, _ in hub.asked}
    assert PreparedData.open(tmp_path / "out").manifest["documents"] == 1_000


@pytest.mark.parametrize("name", ["openwebtext", "nobody/nothing", "nobody/nothing@main"])
def test_what_the_hub_does_not_have_is_a_sentence(hub: Hub, tmp_path: Path, name: str) -> None:
    code, _, errors = run(hub, tmp_path, name)
    assert code == 2
    may_be_path = name == "nobody/nothing"
    here = "There is no file or folder nobody/nothing here, and as a data set of the hub: " if may_be_path else ""
    assert errors.startswith(f"{here}No data set was found for {name} (")
    assert errors.count("\n") == 1


def test_without_the_hub_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"HF_HUB_OFFLINE is set; unset it"):
        prepare(Request(sources=("openwebtext",)), tmp_path / "out")
