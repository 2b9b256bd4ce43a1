"""The run directory: how the trainer records a run, and how other programs read and steer it. No torch, no Qt.

It is the only truth about a run, and readers never hold a lock:

- ``run.json``: what was asked for, written once.
- ``config.json``: the configuration in force; replaced as a whole when settings change.
- ``events.jsonl``: one line an event, each written in one call; only ever grows.
- ``status.json``: replaced as a whole at least once a second while the run is active.
- ``run.lock``: locked by the trainer for the life of its process; a free lock means that no trainer is running.
- ``exit.json``: how the run ended; absent while it is active, and after a crash that left no time to write it.
- ``console.log``, ``samples.jsonl``, ``checkpoints/``.
- ``control/in`` holds requests; the trainer answers each with an event and moves it to ``control/done``.
"""
