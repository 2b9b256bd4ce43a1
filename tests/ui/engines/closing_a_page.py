"""Opens a window whose Chat page has a model of its own, closes the page, and prints what was held before and after.

Arguments: the home of the program, the folder of the Playground's model, that of the chat's. Prints a JSON object of
`Held` as dictionaries: ``before``, ``open``, and ``closed``, when the chat's engine is gone.
"""

import gc
import json
import sys
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.system_memory import resident_memory
from gptdesk.ui.services.inference_messages import State
from tests.patience import wait_for
from tests.ui.conftest import Opened


@dataclass(frozen=True)
class Held:
    """Bytes that are held.

    Attributes:
        resident: of physical memory, by the process.
        counted: by engines, as the Models page lists them.
        engines: how many there are.
    """

    resident: int
    counted: int
    engines: int


def wait(condition: Callable[[], object], what: str) -> None:
    wait_for(lambda: QTest.qWait(5) or condition(), what)


def held(opened: Opened) -> Held:
    gc.collect()
    engines = opened.services.inference.engines.engines
    return Held(resident_memory(), sum(engine.memory for engine in engines), len(engines))


def reply(page: Any) -> None:
    """Has the chat's model write, so that its caches are there."""
    assert page.session.say("user", "Hello", reply=True)
    wait(lambda: not page.session.busy, "the reply")
    assert page.session.done is not None


def main(home: str, small: str, large: str) -> None:
    app = QApplication([])
    opened = Opened(app, Folders.under(Path(home)), small)
    opened.services.settings.update(precision="float32", decoding=DecodingSettings(max_tokens=4, seed=1))
    opened.window.show_page("chat")
    page: Any = opened.window.pages["chat"]
    session = page.services.inference
    wait(lambda: session.state is State.READY and page.prompts.known, "the Playground's model")
    reply(page)  # with all that any model needs
    before = held(opened)
    page.services.activation.use(large, opened.window)
    wait(lambda: session.info is not None and session.info.model == large and page.prompts.known, "the chat's model")
    reply(page)
    while_open = held(opened)
    network = weakref.ref(session._host.worker._engine.network)
    page.close()
    wait(lambda: network() is None, "the end of the chat's engine")
    closed = held(opened)
    opened.close()
    print(json.dumps({"before": asdict(before), "open": asdict(while_open), "closed": asdict(closed)}))


main(*sys.argv[1:])
