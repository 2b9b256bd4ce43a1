"""A person gets a model: from the window, past a pause and a kill, to a prompt that it completes.

The hub is the one on loopback. The pictures that the guide shows are taken on the way (GPTDESK_SAVE_PICTURES, as in
test_pictures.py).
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.downloads.manager import DOWNLOADS
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.hub_server import Fault, Hub
from tests.patience import wait_for

from .conftest import Program

WEIGHTS = "model.safetensors"
SLOW = 4e5
"""Bytes a second: the model takes half a minute."""


def said(program: Program, name: str) -> str:
    """What is said of the model of that name."""
    return " ".join(found["description"] for found in program.look(name))


def get(program: Program, repo: str) -> None:
    """Asks for a repository in the dialog."""
    program.click("Download from Hugging Face…")
    program.click("Repository")
    program.type(repo)
    program.click("Download")


def test_get_pause_resume_kill_go_on_load_and_write(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    hub: Hub,
    tiny_model_folder: Path,
    folders: Folders,
    pictures: Path,
) -> None:
    for name in ("sea-tales", "fables"):
        hub.add(f"someone/{name}", tiny_model_folder)
    shutil.copytree(tiny_model_folder, folders.models / "grandmother's letters")
    write_settings(Settings(theme="light", decoding=DecodingSettings(seed=1, max_tokens=20)))
    hub.always = Fault(bytes_per_s=SLOW)
    program = start(driven=True)
    program.wait_until_painted()
    program.wait_for_words("State", "Ready")
    program.click("Models")
    get(program, "someone/sea-tales")
    wait_for(lambda: "left" in said(program, "sea-tales"), "speed and time left")
    get(program, "someone/fables")
    wait_for(lambda: "left" in said(program, "fables"), "two downloads at once")

    # Pausing keeps what is here, and nothing comes any more.
    program.click("Pause: fables")
    wait_for(lambda: "Paused" in said(program, "fables"), "the pause")
    part = folders.models / DOWNLOADS / "fables" / f"{WEIGHTS}.part"
    here = part.stat().st_size
    assert here > 0
    program.click("gpt2")
    wait_for(lambda: program.look("SHA-256"), "what is known of gpt2")
    program.photograph(pictures / "models-light.png")
    assert part.stat().st_size == here
    program.click("Resume: fables")
    wait_for(lambda: part.stat().st_size > here, "the rest")

    # Killed, it offers to go on when it is started again, and fetches only what is missing.
    program.kill()
    here = part.stat().st_size
    sent = len(hub.sent)
    settings = SettingsFile(folders.config / "settings.json")
    settings.save(replace(settings.load()[0], theme="dark"))
    again = start(driven=True)
    again.wait_until_painted()
    wait_for(lambda: "Paused" in said(again, "fables"), "the download of the last start")
    wait_for(lambda: again.look("The download of fables*") or again.look("2 downloads are*"), "the offer")
    for name in ("fables", "sea-tales"):
        if again.look(f"Resume: {name}"):  # the other one may have ended before the kill on a slow machine
            again.click(f"Resume: {name}")
    wait_for(lambda: "left" in said(again, "fables"), "the download, gone on with")
    wait_for(lambda: "In use" in said(again, "stories"), "the model of the last start")
    again.click("gpt2")
    wait_for(lambda: again.look("SHA-256"), "what is known of gpt2")
    again.photograph(pictures / "models-dark.png")
    hub.always = None
    again.click("Pause: fables")  # the slow connection goes
    wait_for(lambda: "Paused" in said(again, "fables"), "the pause")
    again.click("gpt2")  # or the next click would be the second of a double click
    again.click("Resume: fables")
    wait_for(lambda: (folders.models / "fables" / WEIGHTS).is_file(), "the model")
    assert (folders.models / "fables" / WEIGHTS).read_bytes() == (tiny_model_folder / WEIGHTS).read_bytes()
    assert min(each.start for each in hub.sent[sent:] if each.path.endswith(WEIGHTS)) > 0

    # It is loaded, and writes.
    again.click("Use in Playground: fables")
    again.wait_for_words("State", "Ready")
    wait_for(lambda: settings.load()[0].model == "fables", "the model in the settings")
    again.type("Once upon a time")
    again.press("ctrl+Return")
    wait_for(lambda: again.finish_reason is not None, "the end")
    assert again.text.startswith("Once upon a time")
    assert len(again.text) > len("Once upon a time")
    assert again.quit() == 0
