"""What packaging writes from the program itself; nothing is built here. `packaging/test_deb.py` tries the package."""

import ast
import configparser
import importlib
import os
import plistlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from gptdesk.cli import make_parser

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Imports a module of packaging/, which is a folder of scripts and no package."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(PACKAGING))
    monkeypatch.syspath_prepend(str(PACKAGING / "bundle"))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        if str(PACKAGING) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def late_imports() -> set[str]:
    """Top-level names of third packages that gptdesk and trainer import, wherever they do it."""
    found = set()
    for package in ("gptdesk", "trainer"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


def test_nothing_that_the_program_imports_is_left_out_of_the_bundle(load) -> None:
    contents = load("contents")
    excluded = {name for name in contents.EXCLUDED if "." not in name}
    assert late_imports() & excluded == set()


def test_everything_runs_without_the_modules_that_are_left_out() -> None:
    command = [sys.executable, "-m", "bundle_check", "--without-excluded"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, PACKAGING / "bundle")))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.splitlines()) == 8


def test_a_module_that_is_left_out_is_not_found_by_the_check(load, monkeypatch: pytest.MonkeyPatch) -> None:
    check = load("bundle_check")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    monkeypatch.setattr(sys, "meta_path", [check.Without(finder, {"colorsys"}) for finder in sys.meta_path])
    assert importlib.util.find_spec("colorsys") is None
    assert importlib.util.find_spec("cmd") is not None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("colorsys")


def test_the_bundle_holds_the_sources_that_torch_reads(load) -> None:
    folder = Path(importlib.util.find_spec("torch").origin).parent
    marks = re.compile(r"^install_config_module\(sys|^ *@(torch\._jit_internal\.)?_overload\b", re.MULTILINE)
    reading = {
        ".".join(("torch", *path.relative_to(folder).with_suffix("").parts))
        for path in folder.rglob("*.py")
        if marks.search(path.read_text(encoding="utf-8"))
    }
    typing_alone = "torch.__init__"  # its decorator of that name is the one of `typing`
    unused = {name for name in reading if name.startswith("torch.testing.") or name == typing_alone}
    assert reading - unused <= set(load("contents").SOURCES_OF_TORCH)


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf")
def test_a_library_that_no_package_brings_is_reported_and_not_left_out(load, tmp_path: Path) -> None:
    make_deb, project = load("make_deb"), load("project")
    library = Path(importlib.import_module("numpy._core._multiarray_umath").__file__)
    shutil.copy2(library, tmp_path)
    if "NEEDED" not in subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout:
        pytest.skip("numpy needs no library here")
    with pytest.raises(project.BuildError, match="openblas"):
        make_deb.dependencies(tmp_path)


@pytest.mark.parametrize("script", ["build.py", "compare_builds.py", "test_deb.py", "test_wheel.py", "test_bundle.py"])
def test_scripts_start_with_the_library_of_python_alone(script: str) -> None:
    command = [sys.executable, "-S", str(PACKAGING / script), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_two_builds_are_compared_by_contents_mode_and_links(load, tmp_path: Path, capsys) -> None:
    compare = load("compare_builds")
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        (folder / "gptdesk").mkdir(parents=True)
        (folder / "gptdesk" / "same").write_text("same")
        os.utime(folder / "gptdesk" / "same", (1, 1))
        (folder / "gptdesk" / "link").symlink_to("same")
    assert compare.report(first, second) == 0
    (second / "gptdesk" / "same").write_text("other")
    (second / "gptdesk" / "more").write_text("")
    (second / "gptdesk" / "link").unlink()
    (second / "gptdesk" / "link").symlink_to("more")
    assert compare.report(first, second) == 1
    said = capsys.readouterr().out
    for line in ("gptdesk/same: contents", "gptdesk/more: only in the second", "gptdesk/link: mode, date or link"):
        assert line in said


def test_every_file_that_the_recipe_names_exists(load) -> None:
    contents = load("contents")
    assert [source for source, _ in contents.DATA if not (ROOT / source).exists()] == []
    for module in contents.SOURCE_MODULES:
        assert importlib.util.find_spec(module) is not None


def test_the_sources_that_compiled_code_depends_on_are_files_of_the_bundle(load) -> None:
    from gptdesk.inference.cpu import compiling

    contents = load("contents")
    folder = Path(compiling.__file__).parent
    for source in compiling.SOURCES:
        module = ".".join((folder / source).resolve().relative_to(ROOT).with_suffix("").parts)
        assert any(module == kept or module.startswith(f"{kept}.") for kept in contents.SOURCE_MODULES), module


def test_the_manual_page_and_the_completions_have_every_command_and_option(load) -> None:
    describe = load("describe_commands")
    page, bash, fish = describe.man_page(), describe.bash_completion(), describe.fish_completion()
    commands = describe.commands()
    assert {command.words[0] for command in commands if command.words} == set(top_level_commands())
    for command in commands:
        for option in command.options:
            for name in option.names:
                assert name in bash
                assert name.replace("-", "\\-") in page
                assert f"-l {name[2:]} " in fish or f"-s {name[1:]} " in fish


def top_level_commands() -> list[str]:
    usage = make_parser().format_help()
    return [line.split()[0] for line in usage.splitlines() if line.startswith("    ") and not line.startswith("     ")]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gptdesk-cli ", {"complete", "models", "doctor"}),
        ("gptdesk-cli models ", {"list", "import", "export"}),
        ("gptdesk-cli complete --temp", {"--temperature"}),
        ("gptdesk-cli tokenize --", {"--model", "--json"}),
    ],
)
def test_bash_completes(load, tmp_path: Path, line: str, expected: set[str]) -> None:
    script = tmp_path / "completion"
    script.write_text(load("describe_commands").bash_completion(), encoding="utf-8")
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    program = (
        f"source '{script}'; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _gptdesk_cli; echo ${{COMPREPLY[@]}}"
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, timeout=600)
    assert expected <= set(done.stdout.split())


def test_the_desktop_entry_says_what_the_window_says(load) -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(PACKAGING / "linux" / "gptdesk.desktop", encoding="utf-8")
    desktop = entry["Desktop Entry"]
    project = load("project")
    assert (desktop["Exec"], desktop["Icon"], desktop["StartupWMClass"]) == ("gptdesk %F", "gptdesk", "gptdesk")
    assert desktop["Comment"] == project.SUMMARY
    declared = {kind.get("type") for kind in ElementTree.parse(PACKAGING / "linux" / "gptdesk-mime.xml").getroot()}
    assert declared <= set(desktop["MimeType"].split(";"))


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="needs desktop-file-validate")
def test_the_desktop_entry_is_valid() -> None:
    command = ["desktop-file-validate", str(PACKAGING / "linux" / "gptdesk.desktop")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("appstreamcli") is None, reason="needs appstreamcli")
def test_the_description_for_software_centres_is_valid(load, tmp_path: Path) -> None:
    files, project = load("make_desktop_files"), load("project")
    described = tmp_path / f"{project.COMPONENT}.metainfo.xml"
    described.write_text(files.metainfo(), encoding="utf-8")
    done = subprocess.run(
        ["appstreamcli", "validate", "--strict", "--no-net", str(described)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_icons_have_their_sizes(load, tmp_path: Path) -> None:
    files = load("make_desktop_files")
    command = [sys.executable, str(PACKAGING / "make_desktop_files.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=600)
    for size in files.ICON_SIZES:
        picture = (tmp_path / f"icons/hicolor/{size}x{size}/apps/gptdesk.png").read_bytes()
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(picture[16:20], "big") == int.from_bytes(picture[20:24], "big") == size


def test_scripts_of_the_debian_package_are_valid_shell() -> None:
    for name in ("postinst", "prerm"):
        subprocess.run(["sh", "-n", str(PACKAGING / "debian" / name)], check=True, timeout=600)


@pytest.mark.parametrize(
    ("kind", "recipe", "line"),
    [
        ("deb", "make_deb.py", 'NAME / MARK).write_text("deb\\n"'),
        ("appimage", "appimage/make_appimage.sh", "echo appimage > "),
        ("flatpak", "flatpak/io.github.gptdesk.gptdesk.yml", "echo flatpak > "),
        ("windows", "windows/installation.txt", "windows\n"),
    ],
)
def test_every_package_says_what_it_is(kind: str, recipe: str, line: str) -> None:
    from gptdesk.program.installation import KINDS, MARK

    assert kind in KINDS
    assert MARK == "installation.txt"
    assert line in (PACKAGING / recipe).read_text(encoding="utf-8")


@pytest.mark.parametrize("script", sorted(PACKAGING.rglob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_are_valid(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=600)


def test_what_the_windows_installer_packs_is_of_the_project_or_of_the_build() -> None:
    text = (PACKAGING / "windows" / "gptdesk.iss").read_text(encoding="utf-8")
    for name in re.findall(r"\.\.\\\.\.\\([^\s\"*]+)", text):
        path = name.replace("\\", "/")
        assert path.startswith(("dist", "build/packaging")) or (ROOT / path).exists(), path


def test_descriptions_for_other_systems_can_be_read() -> None:
    (manifest,) = (PACKAGING / "flatpak").glob("*.yml")
    flatpak = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    assert flatpak["id"] == manifest.stem
    rights = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert rights["com.apple.security.cs.allow-jit"]
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    used = " ".join(row["targets"] for row in release["jobs"]["build"]["strategy"]["matrix"]["include"])
    assert set(used.split()) == {"bundle", "archive", "deb", "wheel"}
