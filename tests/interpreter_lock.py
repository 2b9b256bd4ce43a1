"""Whether code that computes in a library lets other threads of Python run meanwhile."""

import sys
import threading
from collections.abc import Callable
from time import perf_counter, sleep


def wait_until_others_run_during(action: Callable[[], object]) -> None:
    """Repeats the action until another thread's Python code ran while it did.

    Nobody is made to let go of the interpreter's lock, so this never ends for an action that keeps it; the system may
    let the other thread wait.
    """
    inside: list[float] = []
    end = threading.Event()

    def count() -> None:
        while not end.is_set():
            inside.append(perf_counter())
            sleep(0)  # lets go of the lock

    action()  # what is imported or made when it is first done lets go of the lock
    before = sys.getswitchinterval()
    sys.setswitchinterval(3600)  # seconds
    thread = threading.Thread(target=count)
    try:
        thread.start()
        went_on = False
        while not went_on:
            began = perf_counter()
            action()
            ended = perf_counter()
            went_on = any(began < moment < ended for moment in inside)
    finally:
        sys.setswitchinterval(before)
        end.set()
        thread.join()
