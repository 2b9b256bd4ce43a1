"""What a wheel holds: built where hatchling is installed, else reckoned from the configuration that it builds by."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def names_in_wheel(folder: Path) -> set[str]:
    if importlib.util.find_spec("hatchling"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=600)
        (wheel,) = folder.glob("*.whl")
        return set(zipfile.ZipFile(wheel).namelist())
    return configured_names()


def configured_names() -> set[str]:
    """The folders in ``only-include``, where ``sources`` puts them, without what git ignores, as hatchling does."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel) == {"only-include", "dev-mode-dirs", "sources"}, "this test knows no other setting"
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    names = set()
    for folder in wheel["only-include"]:
        for path in (ROOT / folder).rglob("*"):
            place = path.relative_to(ROOT)
            if path.is_file() and ignored.isdisjoint(place.parts):
                moved = wheel["sources"].get(folder, folder)
                names.add(f"{moved}/{path.relative_to(ROOT / folder).as_posix()}")
    return names


def test_a_wheel_holds_all_resources_where_the_package_looks_for_them(tmp_path: Path) -> None:
    names = names_in_wheel(tmp_path)
    resources = {path.relative_to(ROOT) for path in (ROOT / "resources").rglob("*") if path.is_file()}
    assert Path("resources/texts/shakespeare.txt.xz") in resources
    assert {f"gptdesk/{path.as_posix()}" for path in resources} <= names
    assert {"gptdesk/__main__.py", "trainer/__main__.py", "trainer/presets/gpt2-124m.toml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
