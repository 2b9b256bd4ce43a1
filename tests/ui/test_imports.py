"""What the window imports before it is painted."""

import subprocess
import sys


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


def test_the_first_window_does_not_import_torch() -> None:
    modules = modules_after("""
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from gptdesk.folders import Folders
from gptdesk.ui.window.application import end_services, make_services
from gptdesk.ui.window.main_window import MainWindow
app = QApplication([])
folders = Folders.of_this_user()
services = make_services(app, folders)
window = MainWindow(services, QSettings(str(folders.config / "window.ini"), QSettings.Format.IniFormat))
window.painted.connect(app.quit)
window.show()
app.exec()
window.close()
end_services(services)
""")
    assert "PySide6.QtWidgets" in modules
    assert not modules & {"torch", "tiktoken", "numpy", "transformers", "pydantic"}
