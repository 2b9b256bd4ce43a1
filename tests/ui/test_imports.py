"""What the window imports before it is painted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from tests.gpt2.tokenizers.folders import make_folder

LATER = {
    "PySide6.QtNetwork",
    "torch",
    "tiktoken",
    "numpy",
    "transformers",
    "pydantic",
    "huggingface_hub",
    "ctypes",
    "email",
    "html",
    "subprocess",
    "tomllib",
    "gptdesk.hub.transfer",
    "gptdesk.library.downloads.manager",
    "gptdesk.gpt2.tokenizer",
    "gptdesk.gpt2.tokenizers.loading",
    "gptdesk.training.data.data_scanner",
    "gptdesk.training.run_scanner",
    "gptdesk.ui.models.view",
    "gptdesk.ui.services.runs.notices",
    "gptdesk.ui.playground.branches.comparison.dialog",
    "gptdesk.ui.playground.branches.pane",
    "gptdesk.ui.playground.documents.export",
    "gptdesk.ui.playground.documents.pane",
    "gptdesk.ui.playground.documents.tag_dialog",
    "gptdesk.ui.train.view",
    "gptdesk.ui.window.commands.palette",
    "gptdesk.ui.window.help.about",
    "gptdesk.ui.window.help.guide",
    "gptdesk.ui.window.help.welcome",
    "gptdesk.ui.window.settings.dialog",
}
"""What the window needs only after it was painted; each takes time at every start."""


NEVER_FOR_WRITING = {
    "torch",
    "numba",
    "tiktoken",
    "transformers",
    "huggingface_hub.hf_api",
    "pydantic",
    "pyqtgraph",
    "gptdesk.library.downloads.manager",
    "gptdesk.ui.services.runs.notices",
}
"""What a window needs for training, charts, GPUs and other models, and not to count and write tokens of its model."""

DATA_CLASSES = {
    "gptdesk.chat.templates.of_folder.FolderTemplate",
    "gptdesk.folders.Folders",
    "gptdesk.gpt2.config.GPT2Config",
    "gptdesk.inference.sampling.sampler_settings.SamplerSettings",
    "gptdesk.inference.sampling.settings.DecodingSettings",
    "gptdesk.store.settings.Settings",
    "gptdesk.ui.train.charts.settings.ChartSettings",
}
"""Their fields are described (`dataclasses.fields`), or take no part in comparisons."""

SHOW_WINDOW = """
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from gptdesk.folders import Folders
from gptdesk.ui.window.application import make_services
from gptdesk.ui.window.main_window import MainWindow
app = QApplication([])
folders = Folders.of_this_user()
services = make_services(app, folders)
window = MainWindow(services, QSettings(str(folders.config / "window.ini"), QSettings.Format.IniFormat))
"""


COMPILED = """
import sys
names = []
sys.addaudithook(lambda event, args: names.append(str(args[1])) if event == "compile" else None)
from gptdesk.ui.app import import_window
import_window()
from PySide6.QtCore import QTimer
try:
    QTimer().setInterval("long")
except TypeError as error:
    assert "Supported signatures" in str(error)
print(sum(name.startswith("shibokensupport/") for name in names))
"""
"""How many of PySide's support modules were compiled. They explain wrong arguments."""


def modules_after(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_entry_imports_neither_torch_nor_qt() -> None:
    modules = modules_after("import gptdesk.ui.app")
    assert not modules & {"torch", "PySide6", "tiktoken", "numpy"}


def test_the_window_is_imported_without_pysides_hook_and_the_garbage_collector() -> None:
    """The hook reads the source of each module, and the collector looks at each object: a tenth of the start."""
    modules_after("""
import builtins, gc
from gptdesk.ui.app import import_window
collections = []
gc.callbacks.append(lambda phase, _: collections.append(phase))
run = import_window()
assert callable(run) and builtins.__import__.__name__ != "__feature_import__"
assert len(collections) <= 2  # one, when it is switched on again
assert gc.isenabled() and gc.get_freeze_count() > 10_000
""")


def test_pysides_support_modules_are_compiled_at_the_first_start_alone(home: Path) -> None:
    def compiled() -> int:
        done = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert compiled() > 0
    assert compiled() == 0
    (kept,) = (home / "cache").glob("pyside-*.code")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert compiled() > 0, "damaged"
    assert compiled() == 0


def test_the_first_window_imports_nothing_that_it_does_not_show() -> None:
    modules = modules_after(f"""{SHOW_WINDOW}
window.painted.connect(app.quit)
window.show()
app.exec()
window.close()
services.end(15_000)
""")
    assert "PySide6.QtWidgets" in modules
    assert modules & LATER == set()


@pytest.mark.usefixtures("home")
def test_a_window_that_counts_and_writes_has_imported_nothing_for_other_models_and_pages(tmp_path: Path) -> None:
    """Its model has tokens of its own, so OpenAI's vocabulary, which takes some ten megabytes, is not made."""
    pytest.importorskip("numba")
    folder = make_folder(tmp_path / "own", "own")
    save_model(GPT2(GPT2Config.from_json(json.loads((folder / "config.json").read_text()))), folder)
    modules = modules_after(f"""{SHOW_WINDOW}
from gptdesk.inference.sampling.settings import DecodingSettings
few = DecodingSettings(max_tokens=3)
services.settings.update(model={str(folder)!r}, decoding=few, new_document_decoding=few)
session, counted = window.pages["play"].session, []
def generate():
    if services.inference.state.name == "READY" and not session.document.text:
        session.edit(0, 0, "Once upon a time")
        session.generate()
def end_when_counted(counts):
    counted.append(counts.context)
    if session.document.text and not session.busy and len(session.document.runs) > 1:
        app.quit()
services.loader.failed.connect(lambda failure: app.exit(1))
services.inference.state_changed.connect(generate)
services.counter.counted.connect(end_when_counted)
window.painted.connect(window.start)
window.show()
code = app.exec()
window.leave()
services.end(15_000)
assert code == 0 and counted[-1] > 3
""")
    assert modules & NEVER_FOR_WRITING == set()


def test_values_that_are_made_at_the_start_are_no_data_classes() -> None:
    """A data class takes a millisecond to make, a `msgspec.Struct` a thirtieth of that; there are 170 of them."""
    names = modules_after("""
from gptdesk.ui.app import import_window
import_window()
ours = [module for name, module in sys.modules.items() if name.startswith(("gptdesk", "trainer"))]
kinds = {kind for module in ours for kind in vars(module).values() if isinstance(kind, type)}
made = {f"{kind.__module__}.{kind.__name__}" for kind in kinds if "__dataclass_fields__" in vars(kind)}
sys.modules = dict.fromkeys(made)
""")
    assert names == DATA_CLASSES


def test_the_windows_inference_does_without_torch(tiny_model_folder: Path) -> None:
    """It loads a model, completes a text, scores it and finds continuations."""
    pytest.importorskip("numba")
    modules = modules_after(f"""
import os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import GenerateJob, LoadJob
from gptdesk.ui.services.inference_worker import InferenceWorker, warm_up
from gptdesk.ui.services.reading.jobs import EndingsJob, SearchJob
app = QCoreApplication([])
worker, failures, found = InferenceWorker(), [], []
worker.ended.connect(lambda job, failure: failure and failures.append(failure))
worker.result.connect(lambda job, result: found.append(result))
warm_up()
worker.load(LoadJob("tiny", lambda name: Path({str(tiny_model_folder)!r}), "cpu", "auto", 0, None))
worker.generate(GenerateJob(MixedText("Once upon a time"), DecodingSettings(max_tokens=3), ""))
worker.read(EndingsJob(MixedText("Once"), (" upon", " more")))
worker.read(SearchJob(MixedText("Once"), 2, 2))
assert not failures, failures
assert worker.events and found
""")
    assert "torch" not in modules
