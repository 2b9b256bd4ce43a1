"""The Hugging Face hub on loopback, as its library sees it: for the tests, and for trying the Models page by hand.

``python tests/hub_server.py FOLDER`` serves the models in ``FOLDER/OWNER/NAME`` and says how to reach it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

PIECE = 64 * 1024
SMALL = 10_000
"""Files of fewer bytes are git's own, without SHA-256 and redirect."""


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with one answer.

    Attributes:
        cut: bytes of the body after which the connection is cut.
        stall: after ``cut`` bytes, wait for this before cutting.
        status: answer that instead.
        headers: with these.
        ignore_range: send all of it though a part was asked for.
        flip: offset in the file of a byte that is sent wrong.
        bytes_per_s: send no faster.
        etag: another one than usual.
        body: send this instead of the file.
        endless: send this again and again instead, until the other side has enough.
        reached: called when ``cut`` bytes were sent.
    """

    cut: int | None = None
    stall: threading.Event | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ignore_range: bool = False
    flip: int | None = None
    bytes_per_s: float | None = None
    etag: str | None = None
    body: bytes | None = None
    endless: bytes = b""
    reached: Callable[[], None] | None = None


class Repo:
    """A model on the server.

    Attributes:
        files: its files by name.
        token: that one needs to see it; None for public ones.
        gated: whether its terms must be accepted.
        revisions: names of its one commit.
    """

    def __init__(self, files: Mapping[str, Path], *, licence: str = "mit") -> None:
        self.files = dict(files)
        self.licence = licence
        self.token: str | None = None
        self.gated = False
        self.revisions = {"main"}
        self._hashes: dict[str, str] = {}
        names = "\n".join(f"{name} {path.stat().st_size}" for name, path in sorted(self.files.items()))
        self.commit = hashlib.sha1(names.encode()).hexdigest()

    def sha256(self, name: str) -> str:
        if name not in self._hashes:
            with self.files[name].open("rb") as file:
                self._hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._hashes[name]

    def know(self, name: str, sha256: str) -> None:
        """Spares hashing a large file."""
        self._hashes[name] = sha256

    def blob(self, name: str) -> str:
        data = self.files[name].read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def is_large(self, name: str) -> bool:
        return self.files[name].stat().st_size >= SMALL or not name.endswith(".json")

    def sibling(self, name: str) -> dict[str, Any]:
        size = self.files[name].stat().st_size
        if not self.is_large(name):
            return {"rfilename": name, "size": size, "blobId": self.blob(name)}
        lfs = {"size": size, "sha256": self.sha256(name), "pointerSize": 134}
        return {"rfilename": name, "size": size, "blobId": "0" * 40, "lfs": lfs}


@dataclass
class Sent:
    """Bytes of a file that were sent: ``count`` from ``start`` on."""

    path: str
    start: int
    count: int
    range: str | None
    if_range: str | None


class Hub(ThreadingHTTPServer):
    """The server; runs in a thread of its own between ``with`` and its end.

    Attributes:
        repos: its models by name.
        faults: what goes wrong with the next answers that have a file's body (or the status in their place).
        api_faults: the same for questions about a repository.
        always: what goes wrong with all others.
        sent: what was sent of files.
        asked: methods and paths of all requests.
        poured: bytes of endless answers that were sent.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.repos: dict[str, Repo] = {}
        self.faults: deque[Fault | None] = deque()
        self.api_faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.sent: list[Sent] = []
        self.asked: list[str] = []
        self.poured = 0
        self.valid_tokens = {"good"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def store(self) -> str:
        """Where large files are: another host, so that tokens must not be sent there."""
        return f"http://localhost:{self.server_port}"

    def add(self, name: str, folder: Path, *, only: Callable[[str], bool] = lambda name: True) -> Repo:
        """Serves the files of a folder as a model."""
        files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and only(path.name)}
        self.repos[name] = Repo(files)
        return self.repos[name]

    def sent_of(self, name: str) -> int:
        """Bytes that were sent of all files of that name."""
        return sum(sent.count for sent in self.sent if sent.path.endswith(name))

    def last(self, name: str = "model.safetensors") -> Sent:
        """What was sent last of a file of that name."""
        return next(sent for sent in reversed(self.sent) if sent.path.endswith(name))

    def __enter__(self) -> Hub:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class Answer(BaseHTTPRequestHandler):
    """One connection."""

    server: Hub
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.server.asked.append(f"{self.command} {path}")
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            return self._info(match[1], match[2] or "main")
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(match[1], match[2], match[3])
        if match := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            assert "Authorization" not in self.headers, "a token was sent to a stranger"
            return self._file(self.server.repos[match[1]], match[2], f'"cdn-{match[2]}"')
        return self._error(404, "", "there is nothing here")

    def _repo(self, name: str, revision: str) -> Repo | None:
        """The repository, once it is sure that who asks may have it."""
        repo = self.server.repos.get(name)
        given = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        if given and given not in self.server.valid_tokens:
            return self._error(401, "", "Invalid credentials in Authorization header")
        if repo is None or (repo.token is not None and given != repo.token):
            return self._error(404 if given else 401, "RepoNotFound", "Repository not found")
        if repo.gated and given not in self.server.valid_tokens:
            return self._error(401, "GatedRepo", f"Access to model {name} is restricted.")
        if revision != repo.commit and revision not in repo.revisions:
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repo

    def _info(self, name: str, revision: str) -> None:
        if self.server.api_faults:
            fault = self.server.api_faults.popleft()
            if fault.stall is not None:
                fault.stall.wait()
            if fault.endless:
                return self._pour(fault)
            if fault.body is not None:
                return self._body(200, fault.body, "application/json", fault.headers)
            if fault.status is not None:
                return self._error(fault.status, "", "a fault", fault.headers)
        if (repo := self._repo(name, revision)) is None:
            return None
        values = {
            "id": name, "sha": repo.commit, "gated": "auto" if repo.gated else False, "private": repo.token is not None,
            "tags": ["gpt2", f"license:{repo.licence}"], "cardData": {"license": repo.licence},
            "siblings": [repo.sibling(file) for file in repo.files],
        }  # fmt: skip
        return self._body(200, json.dumps(values).encode(), "application/json")

    def _resolve(self, name: str, revision: str, file: str) -> None:
        if (repo := self._repo(name, revision)) is None:
            return None
        if file not in repo.files:
            return self._error(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": repo.commit, "Accept-Ranges": "bytes"}
        if not repo.is_large(file):
            return self._file(repo, file, f'"{repo.blob(file)}"', headers)
        headers |= {
            "X-Linked-Size": str(repo.files[file].stat().st_size),
            "X-Linked-ETag": f'"{repo.sha256(file)}"',
            "Location": f"{self.server.store}/cdn/{quote(name)}/{quote(file)}",
        }
        return self._body(302, b"Found. Redirecting", "text/plain", headers)

    def _file(self, repo: Repo, name: str, etag: str, more: Mapping[str, str] | None = None) -> None:
        fault = (self.server.faults.popleft() if self.server.faults else None) or self.server.always or Fault()
        if fault.endless:
            return self._pour(fault)
        if fault.status is not None:
            return self._error(fault.status, "", "a fault", fault.headers)
        etag = fault.etag or etag
        size = len(fault.body) if fault.body is not None else repo.files[name].stat().st_size
        begin, end, status = 0, size, 200
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        same = self.headers["If-Range"] in (None, etag)
        if match and same and not fault.ignore_range:
            begin, end, status = int(match[1]), int(match[2]) + 1 if match[2] else size, 206
            if begin >= size:
                return self._error(416, "", "out of range", {"Content-Range": f"bytes */{size}"})
        self.send_response(status)
        for key, value in {"ETag": etag, "Accept-Ranges": "bytes", **(more or {}), **fault.headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(end - begin))
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        self.end_headers()
        if self.command == "GET":
            self._send(repo.files[name], name, begin, end, fault)
        return None

    def _send(self, path: Path, name: str, begin: int, end: int, fault: Fault) -> None:
        sent = Sent(name, begin, 0, self.headers["Range"], self.headers["If-Range"])
        self.server.sent.append(sent)
        last = end if fault.cut is None else min(end, begin + fault.cut)
        with path.open("rb") as file:
            file.seek(begin)
            while begin + sent.count < last:
                size = min(PIECE, last - begin - sent.count)
                if fault.bytes_per_s is not None:
                    size = min(size, max(1, int(fault.bytes_per_s / 50)))
                    time.sleep(size / fault.bytes_per_s)
                at = begin + sent.count
                piece = file.read(size) if fault.body is None else fault.body[at : at + size]
                if fault.flip is not None and at <= fault.flip < at + len(piece):
                    changed = bytearray(piece)
                    changed[fault.flip - at] ^= 1
                    piece = bytes(changed)
                try:
                    self.wfile.write(piece)
                except OSError:  # who asked has gone
                    self.close_connection = True
                    return
                sent.count += len(piece)
        if fault.reached is not None:
            fault.reached()
        if fault.stall is not None:
            fault.stall.wait()
        if last < end or fault.stall is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _pour(self, fault: Fault) -> None:
        self.send_response(fault.status or 200)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(fault.endless)
                self.server.poured += len(fault.endless)

    def _body(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _error(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        more = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}) | dict(headers or {})
        self._body(status, json.dumps({"error": message}).encode(), "application/json", more)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests read `Hub.asked`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds OWNER/NAME/ with the files of each model")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--speed", type=float, metavar="MB_PER_S", help="send no faster")
    parser.add_argument("--cut", type=int, metavar="BYTES", help="cut every connection after so many")
    parser.add_argument("--status", type=int, help="answer that instead of files, such as 429 or 500")
    options = parser.parse_args()
    hub = Hub(options.port)
    for folder in sorted(options.folder.glob("*/*")):
        if folder.is_dir():
            name = f"{folder.parent.name}/{folder.name}"
            print(name, hub.add(name, folder).commit)
    speed = None if options.speed is None else options.speed * 1e6
    hub.always = Fault(cut=options.cut, bytes_per_s=speed, status=options.status)
    print(f"HF_ENDPOINT={hub.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        hub.serve_forever()


if __name__ == "__main__":
    main()
