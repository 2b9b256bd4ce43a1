"""The one command: first start, later starts, interrupted ones, and what it says when it cannot.

The real run.py sets up a small project here: a real virtual environment and a real pip, but nothing to download.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

RUN = Path(__file__).resolve().parents[1] / "run.py"
posix = pytest.mark.skipif(os.name != "posix", reason="signals, shebangs and named pipes as POSIX has them")

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

# A build backend without dependencies (PEP 517, PEP 660). With $REACHED, a named pipe, it waits to be interrupted.
BACKEND = """
import os, pathlib, sys, time, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    if "REACHED" in os.environ:
        open(os.environ["REACHED"], "w").close()
        time.sleep(600)
    return wheel(folder, "gptdesk", "1.0", {"_gptdesk.pth": os.getcwd()})

def wheel(folder, name, version, files):
    info = f"{name}-{version}.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
        "Provides-Extra: data\\nProvides-Extra: documents\\nProvides-Extra: test\\nProvides-Extra: dev\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    path = pathlib.Path(folder, f"{name}-{version}-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\\n" for file in files))
    return path.name
"""

# In place of the program: prints what reaches it, and leaves with the status that --status asks for.
PROGRAM = """
import json, os, sys
seen = {"module": __spec__.name, "arguments": sys.argv[1:], "folder": os.getcwd(), "input": sys.stdin.read()}
print(json.dumps(seen))
sys.exit(int(sys.argv[-1]) if "--status" in sys.argv else 0)
"""


def make_project(folder: Path) -> Path:
    """A project that run.py can set up without a network, in a folder with a space and an accent."""
    project = folder / "my projéct"
    for module in ("gptdesk", "trainer", "pytest"):
        (project / module).mkdir(parents=True)
        (project / module / "__main__.py").write_text(PROGRAM)
        (project / module / "__init__.py").touch()
    (project / "pyproject.toml").write_text(PYPROJECT)
    (project / "constraints.txt").write_text("torch==2.13.0\n")
    (project / "backend.py").write_text(BACKEND)
    shutil.copy(RUN, project)
    return project


def run(project: Path, *arguments: str, cwd: Path | None = None, text: str = "", **environment: str) -> Any:
    """What ``python run.py ARGUMENTS`` does, where no system package can be installed and no index is configured."""
    return subprocess.run(
        [sys.executable, str(project / "run.py"), *arguments],
        cwd=cwd or project,
        env=plain_environment(**environment),
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def plain_environment(**more: str) -> dict[str, str]:
    """This process's environment without a screen, system packages, or settings of pip."""
    hidden = ("PYTHONPATH", "PYTHONUTF8", "DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden and not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PATH": "", **more}


def load(project: Path) -> ModuleType:
    """run.py of a project, as a module."""
    spec = importlib.util.spec_from_file_location("run_of_a_project", project / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is set up. Tests that set it up again leave it so."""
    project = make_project(tmp_path_factory.mktemp("project"))
    first = run(project, "complete")
    assert first.returncode == 0, first.stderr
    return project


@pytest.fixture
def bare_project(tmp_path: Path) -> Path:
    """A project that was never started."""
    return make_project(tmp_path)


def test_without_a_display_one_sentence_names_complete(bare_project: Path) -> None:
    result = run(bare_project)
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "run.py complete" in result.stderr
    assert not (bare_project / ".venv").exists()


def test_help_sets_nothing_up(bare_project: Path) -> None:
    result = run(bare_project, "--help")
    assert result.returncode == 0
    assert "--torch-index URL" in result.stdout
    assert not (bare_project / ".venv").exists()


@pytest.mark.parametrize("arguments", [["--torch-index"], ["--torch-index="]])
def test_torch_index_needs_an_address(bare_project: Path, arguments: list[str]) -> None:
    result = run(bare_project, *arguments)
    assert (result.returncode, result.stderr) == (2, "--torch-index needs the address of a package index.\n")


@pytest.mark.parametrize(
    ("arguments", "module", "passed"),
    [
        (
            ["complete", "Once upon a time", "--n", "2"],
            "gptdesk.__main__",
            ["complete", "Once upon a time", "--n", "2"],
        ),
        (["--version"], "gptdesk.__main__", ["--version"]),
        (["complete", "--torch-index", "x"], "gptdesk.__main__", ["complete", "--torch-index", "x"]),
        (["trainer", "train", "--help"], "trainer.__main__", ["train", "--help"]),
        (["complete", "añb", ""], "gptdesk.__main__", ["complete", "añb", ""]),
    ],
)
def test_commands_pass_through(project: Path, arguments: list[str], module: str, passed: list[str]) -> None:
    result = run(project, *arguments, text="from stdin")
    seen = json.loads(result.stdout)
    assert (seen["module"], seen["arguments"], seen["input"]) == (module, passed, "from stdin")
    assert result.stderr == ""


def test_exit_status_passes_through(project: Path) -> None:
    assert run(project, "complete", "--status", "37").returncode == 37


@posix
def test_signal_reaches_the_program(project: Path) -> None:
    (project / "gptdesk" / "__main__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    try:
        assert run(project, "complete").returncode == -signal.SIGTERM
    finally:
        (project / "gptdesk" / "__main__.py").write_text(PROGRAM)


def test_working_folder_stays_the_persons(project: Path, tmp_path: Path) -> None:
    assert json.loads(run(project, "complete", cwd=tmp_path).stdout)["folder"] == str(tmp_path)


def test_persons_files_do_not_shadow_modules(project: Path, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    (tmp_path / "gptdesk.py").write_text("raise SystemExit('the wrong gptdesk')")
    assert run(project, "complete", cwd=tmp_path).returncode == 0


@posix
@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "no_SUCH.ISO-8859-1"])
def test_accent_in_the_path_works_in_every_locale(project: Path, locale: str) -> None:
    result = run(project, "complete", LC_ALL=locale)
    assert (result.returncode, result.stderr) == (0, "")


def test_later_start_asks_pip_nothing(project: Path) -> None:
    log = project / ".venv" / "setup.log"
    before = log.read_text()
    assert run(project, "complete").stderr == ""
    assert log.read_text() == before


@pytest.mark.timing
def test_later_start_adds_less_than_300_ms(project: Path) -> None:
    def seconds(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, cwd=project, env=plain_environment(), stdin=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    python = str(load(project).PYTHON)
    assert load(project).is_set_up(testing=False, torch_index=None)
    # The fastest of several each: what else the machine does only ever adds.
    through = min(seconds(sys.executable, str(project / "run.py"), "complete") for _ in range(7))
    direct = min(seconds(python, "-m", "gptdesk", "complete") for _ in range(7))
    assert through - direct < 0.3


def test_tests_run_in_the_project_with_their_tools_and_keep_them(project: Path, tmp_path: Path) -> None:
    result = run(project, "test", "-k", "layers", cwd=tmp_path)
    seen = json.loads(result.stdout)
    assert (seen["module"], seen["arguments"], seen["folder"]) == ("pytest.__main__", ["-k", "layers"], str(project))
    assert ".[window,data,documents,test,dev]" in (project / ".venv" / "setup.log").read_text()
    assert run(project, "complete").stderr == ""


def test_all_tests_run_on_all_cores_and_chosen_ones_in_one_process(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    several = ["-n", str(min(cores + 1, 4)), "--dist", "loadfile"]
    assert json.loads(run(project, "test").stdout)["arguments"] == (several if cores > 1 else [])
    whole_suite = load(project).whole_suite
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    assert whole_suite() == ["-n", "4", "--dist", "loadfile"]
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert whole_suite() == []


def test_changed_pins_are_installed_into_the_same_environment(project: Path) -> None:
    marker = project / ".venv" / "still the same"
    marker.touch()
    (project / "constraints.txt").write_text("torch==2.13.0\n# changed\n")
    assert "Set up." in run(project, "complete").stderr
    assert marker.exists()


def test_failed_setup_says_why_and_where_the_log_is_and_is_recovered_from(project: Path) -> None:
    good = (project / "constraints.txt").read_text()
    (project / "constraints.txt").write_text("gptdesk==2.0\n")
    result = run(project, "complete")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    sentence = result.stderr.splitlines()[-1]
    assert sentence.startswith("Installing gptdesk's packages failed: ")
    assert str(project / ".venv" / "setup.log") in sentence
    (project / "constraints.txt").write_text(good)
    recovered = run(project, "complete")
    assert recovered.returncode == 0
    assert "Making a virtual environment" in recovered.stderr


def test_environment_made_by_hand_is_kept(project: Path) -> None:
    (project / ".venv" / "gptdesk-setup.json").unlink()
    marker = project / ".venv" / "made by hand"
    marker.touch()
    assert run(project, "complete").returncode == 0
    assert marker.exists()


def test_lost_python_is_replaced(project: Path) -> None:
    load(project).PYTHON.unlink()
    assert run(project, "complete").returncode == 0


def test_moved_project_is_set_up_again(project: Path) -> None:
    elsewhere = project.with_name("moved")
    assert load(project).is_set_up(testing=False, torch_index=None)
    project.rename(elsewhere)
    try:
        assert not load(elsewhere).is_set_up(testing=False, torch_index=None)
    finally:
        elsewhere.rename(project)


@posix
def test_interrupted_first_starts_are_recovered_from(bare_project: Path) -> None:
    reached = bare_project / "reached"
    os.mkfifo(reached)
    errors = []
    for number in (signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen(
            [sys.executable, str(bare_project / "run.py"), "complete"],
            env=plain_environment(REACHED=str(reached)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        reached.read_text()  # returns once pip is in the middle of it
        os.killpg(process.pid, number)
        errors.append(process.communicate()[1])
        assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert errors[0].splitlines()[-1] == "Interrupted; the same command starts over."
    assert "Traceback" not in "".join(errors)
    recovered = run(bare_project, "complete")
    assert recovered.returncode == 0
    assert "Set up." in recovered.stderr


def test_torch_comes_from_the_index_given_and_the_index_is_remembered(bare_project: Path) -> None:
    index = bare_project / "index" / "torch"
    index.mkdir(parents=True)
    make_torch_wheel(bare_project, index)
    (index / "index.html").write_text("".join(f'<a href="{path.name}">{path.name}</a>' for path in index.glob("*.whl")))
    result = run(bare_project, "--torch-index", index.parent.as_uri(), "complete")
    assert result.returncode == 0, result.stderr
    assert list((bare_project / ".venv").rglob("torch-2.13.0+ours.dist-info"))
    assert run(bare_project, "complete").stderr == ""
    assert not load(bare_project).is_set_up(testing=False, torch_index=(bare_project / "other").as_uri())


def make_torch_wheel(project: Path, folder: Path) -> None:
    """A wheel of nothing that is called torch, of another build than the pinned version."""
    info = "torch-2.13.0+ours.dist-info"
    with zipfile.ZipFile(folder / "torch-2.13.0+ours-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+ours\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (821.0 MB)",
            "downloading torch 2.13.0, 821.0 MB",
        ),
        (
            "  Downloading https://host/a-b/c/torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl (1.1 GB)",
            "downloading torch",
        ),
        ("Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)", ""),
        ("Downloading regex-2026.11.15-cp311-cp311-manylinux_2_17_x86_64.whl (1.8 MB)", ""),
        ("Installing collected packages: torch, six", "unpacking"),
        ("Collecting torch", ""),
    ],
)
def test_pips_output_becomes_few_lines(line: str, shown: str) -> None:
    described = load(RUN.parent).describe_progress(line).strip()
    assert described.startswith(shown) if shown else described == ""


@pytest.mark.skipif(sys.platform != "linux", reason="about Linux's loader")
def test_missing_libraries_are_told_from_present_ones() -> None:
    module = load(RUN.parent)
    assert module.loads("libc.so.6")
    assert not module.loads("libnothing-of-that-name.so.6")


@pytest.fixture
def debian(tmp_path: Path, bare_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of an apt-get that alone is on the search path; it finds ``stale`` only after an update."""
    record = tmp_path / "record"
    behaviour = tmp_path / "apt.py"
    behaviour.write_text(
        f"import pathlib, sys\nrecord = pathlib.Path({str(record)!r})\n"
        "with record.open('a') as file:\n    print(*sys.argv[1:], file=file)\n"
        "sys.exit(100 if 'stale' in sys.argv and 'update' not in record.read_text() else 0)\n"
    )
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{behaviour}' \"$@\"\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent))
    return record


@posix
def test_without_root_the_one_command_is_printed(
    debian: Path, bare_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    module = load(bare_project)
    with pytest.raises(module.SetupError) as error:
        module.provide(["libegl1", "libgl1", "libegl1"], "The window needs libEGL.so.1")
    assert str(error.value) == (
        "The window needs libEGL.so.1; install it with: sudo apt-get install -y --no-install-recommends libegl1 libgl1"
    )
    assert not debian.exists()


@posix
def test_root_installs_and_updates_old_lists_first(
    debian: Path, bare_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    load(bare_project).provide(["stale"], "The window needs it")
    install = "-o DPkg::Lock::Timeout=300 install -y --no-install-recommends stale"
    assert debian.read_text().splitlines()[-2:] == ["update", install]


@posix
@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_without_debians_venv_module_the_one_command_is_printed(
    debian: Path, bare_project: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    module = load(bare_project)
    with pytest.raises(module.SetupError) as error:
        module.set_up(testing=False, torch_index=None)
    major, minor = sys.version_info[:2]
    assert str(error.value) == (
        f"Python's {missing} module is missing; install it with: "
        f"sudo apt-get install -y --no-install-recommends python{major}.{minor}-venv"
    )


@posix
def test_nothing_missing_asks_nothing(debian: Path, bare_project: Path) -> None:
    load(bare_project).provide([], "The window needs nothing")
    assert not debian.exists()
