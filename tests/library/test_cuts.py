"""The download of a person whose line and computer fail all the time: it ends, and nothing is fetched twice."""

import itertools
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gptdesk.folders import Folders
from gptdesk.hub.transfer import BLOCK
from tests.hub_server import Fault, Hub

CUTS, KILLS = 50, 10
WEIGHTS = "model.safetensors"
PROGRAM = [sys.executable, "-m", "gptdesk", "models", "download", "someone/tiny"]
CONNECTIONS = Path("/proc/net/tcp")


@pytest.mark.skipif(not CONNECTIONS.exists(), reason="only Linux tells what a process has not read yet")
def test_fifty_cuts_and_ten_kills_fetch_no_byte_twice_beyond_a_block_each(
    hub: Hub, folders: Folders, tiny_model_folder: Path, tmp_path: Path
) -> None:
    """The connection is cut at random bytes; at ten of these the process is killed, in the middle of what it does."""
    rng = random.Random(5)
    size = (tiny_model_folder / WEIGHTS).stat().st_size
    places = sorted(rng.sample(range(size), CUTS))
    kills = set(rng.sample(range(CUTS), KILLS))
    at_kill, never = threading.Event(), threading.Event()
    hub.faults.append(None)  # the config
    for number, (place, before) in enumerate(zip(places, [0, *places], strict=False)):
        kill = number in kills
        hub.faults.append(
            Fault(cut=place - before, stall=never if kill else None, reached=at_kill.set if kill else None)
        )
    starts = 0
    unread = [0]  # bytes at each kill
    while True:
        starts += 1
        with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            ends = threading.Thread(target=lambda process=process: (process.wait(), at_kill.set()))
            ends.start()
            assert at_kill.wait(600)
            killed = process.poll() is None
            if killed:
                never.wait(rng.uniform(0, 0.02))
                process.send_signal(signal.SIGSTOP)
                unread.append(bytes_on_their_way(hub.server_port))
                process.send_signal(signal.SIGKILL)
            _, errors = process.communicate()
            ends.join()
            at_kill.clear()
            if not killed:
                break
    never.set()
    assert (process.returncode, errors) == (0, "")
    assert starts == KILLS + 1
    assert len([sent for sent in hub.sent if sent.path == WEIGHTS]) == CUTS + 1
    assert (folders.models / "tiny" / WEIGHTS).read_bytes() == (tiny_model_folder / WEIGHTS).read_bytes()
    twice = hub.sent_of(WEIGHTS) - size
    assert twice <= CUTS * BLOCK + sum(unread)
    fetched = sorted((sent.start, sent.start + sent.count) for sent in hub.sent if sent.path == WEIGHTS)
    overlaps = [max(0, end - start) for (_, end), (start, _) in itertools.pairwise(fetched)]
    assert max(overlaps) <= BLOCK + max(unread)


def bytes_on_their_way(port: int) -> int:
    """What a server's connections have sent and a stopped process has not read, which a busy machine leaves to wait."""
    before, now = -1, 0
    while before != now:
        connections = [line.split() for line in CONNECTIONS.read_text().splitlines()[1:]]
        queues = [
            sum(int(length, 16) for length in queues.split(":"))
            for _, local, remote, _, queues, *_ in connections
            if f"{port:04X}" in (local.split(":")[1], remote.split(":")[1])
        ]
        before, now = now, sum(queues)
    return now
