"""The command line: what it prints, what it returns, and how it ends."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import gptdesk
from gptdesk.cli import main
from gptdesk.doctor import required_packages
from gptdesk.folders import SETTINGS_FILE
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.engine import DoneEvent, Engine, TokenEvent
from gptdesk.inference.sampling.settings import PRESETS, SETTINGS, DecodingSettings
from gptdesk.library.catalogue import BUNDLED
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.release_server import ReleaseServer
from tests.release_server import server as server  # a fixture

PROGRAM = [sys.executable, "-m", "gptdesk"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and descriptors as POSIX has them")


@pytest.fixture
def complete(tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs ``gptdesk complete`` on the small model in this process and returns what it prints."""

    def run(*arguments: str) -> str:
        assert main(["complete", "--model", str(tiny_model_folder), *arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def engine(tiny_model_folder: Path) -> Engine:
    return Engine.load(tiny_model_folder)


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def type_text(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Puts bytes on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# complete


def test_plain_output_is_the_completion(complete: Callable[..., str], engine: Engine) -> None:
    settings = DecodingSettings(seed=1, max_tokens=20)
    *_, done = engine.generate("Once upon a time", settings)
    assert isinstance(done, DoneEvent)
    assert complete("Once upon a time", "--seed", "1", "--max-tokens", "20") == done.text + "\n"


def test_json_output_has_a_line_for_each_token_and_end(complete: Callable[..., str]) -> None:
    output = lines(complete("Once", "--json", "--max-tokens", "3", "-n", "2", "--seed", "5", "--top-logprobs", "2"))
    tokens = [line for line in output if line["event"] == "token"]
    done = [line for line in output if line["event"] == "done"]
    assert len(output) == len(tokens) + len(done) == 8
    for line in tokens:
        assert list(line) == ["event", "index", "id", "text", "logprob", "entropy", "top"]
        assert [list(alternative) for alternative in line["top"]] == [["id", "text", "logprob"]] * 2
    for index, line in enumerate(done):
        assert list(line) == [
            *("event", "index", "text", "finish_reason", "prompt_tokens", "completion_tokens"),
            *("seed", "ttft_ms", "tokens_per_s", "device", "precision", "backend", "draft_tokens", "accepted_tokens"),
        ]
        assert (line["index"], line["seed"], line["finish_reason"]) == (index, 5 + index, "length")
        assert (line["prompt_tokens"], line["completion_tokens"]) == (1, 3)
        assert (line["device"], line["precision"]) == ("cpu", "int8")
        assert line["backend"] == ("numba" if can_compile() else "torch")
        assert line["ttft_ms"] > 0 < line["tokens_per_s"]
        own = [token for token in tokens if token["index"] == index]
        assert line["text"] == gpt2_tokenizer().decode([token["id"] for token in own])


@pytest.mark.parametrize(
    ("flags", "settings"),
    [
        ([], {}),
        (["--temperature", "0"], {"temperature": 0}),
        (["--temperature", "0.5"], {"temperature": 0.5}),
        (["--top-k", "3"], {"top_k": 3}),
        (["--top-p", "0.001"], {"top_p": 0.001}),
        (["--min-p", "0.9"], {"min_p": 0.9}),
        (["--typical-p", "0.001"], {"typical_p": 0.001}),
        (["--repetition-penalty", "1.5"], {"repetition_penalty": 1.5}),
        (["--presence-penalty", "-2"], {"presence_penalty": -2}),
        (["--frequency-penalty=-2"], {"frequency_penalty": -2}),
        (["--temperature", "0", "--no-repeat-ngram", "1"], {"temperature": 0, "no_repeat_ngram": 1}),
        (["--logit-bias", "13=100", "--logit-bias", "11=100.0"], {"logit_bias": {13: 100, 11: 100}}),
        (["--temperature", "0", "--stop", "e", "--stop", "\n"], {"temperature": 0, "stop": ("e", "\n")}),
        (["--max-tokens", "3"], {"max_tokens": 3}),
        (["--seed", "8"], {"seed": 8}),
        (["-n", "3"], {"n": 3}),
        (["--top-logprobs", "4"], {"top_logprobs": 4}),
        (["--preset", "focused", "--top-k", "7"], vars(PRESETS["Focused"]) | {"top_k": 7}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_setting_reaches_the_engine(
    complete: Callable[..., str], engine: Engine, flags: list[str], settings: dict[str, Any]
) -> None:
    wanted = DecodingSettings(**({"seed": 7, "max_tokens": 12} | {k: v for k, v in settings.items() if v is not None}))
    if "--preset" in flags:
        wanted = DecodingSettings(**(settings | {"seed": 7, "max_tokens": 12}))
    defaults = [] if "--max-tokens" in flags else ["--max-tokens", "12"]
    defaults += [] if "--seed" in flags else ["--seed", "7"]
    output = lines(complete("It was a dark night.", "--json", *defaults, *flags))
    tokens = [(line["index"], line["id"], len(line["top"])) for line in output if line["event"] == "token"]
    expected = [event for event in engine.generate("It was a dark night.", wanted) if isinstance(event, TokenEvent)]
    assert tokens == [(event.index, event.id, len(event.top)) for event in expected]


def test_every_setting_has_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["complete", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for field in fields(DecodingSettings):
        assert all(f"{flag} {SETTINGS[field.name].metavar}" in text for flag in SETTINGS[field.name].flags)


def test_several_completions_come_one_after_the_other(complete: Callable[..., str]) -> None:
    flags = ("Once", "--seed", "3", "--max-tokens", "5", "-n", "2")
    done = [line["text"] for line in lines(complete(*flags, "--json")) if line["event"] == "done"]
    assert complete(*flags) == f"--- 1 of 2 ---\n{done[0]}\n--- 2 of 2 ---\n{done[1]}\n"


def test_an_empty_prompt_begins_a_text(complete: Callable[..., str]) -> None:
    flags = ("--seed", "3", "--max-tokens", "5")
    assert complete(*flags) == complete("", *flags) == complete("<|endoftext|>", "--special", *flags) != ""
    assert complete("<|endoftext|>", *flags) != complete(*flags)


def test_the_prompt_may_come_on_standard_input(complete: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = "Es war einmal 😀 漢字\r\n"
    flags = ("--seed", "3", "--max-tokens", "5")
    type_text(monkeypatch, prompt.encode())
    assert complete("-", *flags) == complete(prompt, *flags)


def test_a_prompt_may_begin_with_a_minus(complete: Callable[..., str]) -> None:
    assert complete("--max-tokens", "2", "--", "--- a title ---")


def test_a_long_prompt_is_cut_and_that_is_said(tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "word " * 500, "--model", str(tiny_model_folder), "--max-tokens", "2"]) == 0
    assert "more than the context" in capsys.readouterr().err


def test_precision_can_be_chosen(complete: Callable[..., str]) -> None:
    *_, done = lines(complete("Once", "--json", "--max-tokens", "2", "--precision", "bfloat16", "--device", "cpu"))
    assert (done["device"], done["precision"]) == ("cpu", "bfloat16")
    assert done["backend"] in ("numba", "torch")


def test_the_number_of_threads_changes_no_text(complete: Callable[..., str]) -> None:
    texts = {complete("Once", "--seed", "3", "--max-tokens", "9", "--threads", count) for count in ("1", "2", "3")}
    assert len(texts) == 1


@pytest.mark.parametrize("count", ["0", "-1", "100000"])
def test_odd_numbers_of_threads_are_refused(capsys: pytest.CaptureFixture[str], count: str) -> None:
    assert main(["complete", "Once", f"--threads={count}"]) == 2
    assert "--threads must be a whole number from 1" in capsys.readouterr().err


def test_the_bundled_model_writes_without_being_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "Once upon a time", "--max-tokens", "5", "--temperature", "0"]) == 0
    assert len(capsys.readouterr().out) > 6


# How a real process ends

ENDLESS = ["complete", "Once", "--json", "--max-tokens", "100000", "--model"]


@posix
def test_tokens_stream_and_an_interrupt_ends_in_order(tiny_model_folder: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, *ENDLESS, str(tiny_model_folder), "-n", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())  # comes long before the last
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=600)
    assert first["event"] == "token"
    done = [line for line in lines(rest.decode()) if line["event"] == "done"]
    assert sorted((line["index"], line["finish_reason"]) for line in done) == [(0, "cancelled"), (1, "cancelled")]
    assert process.returncode == 130
    assert "Traceback" not in errors.decode()


@posix
def test_an_interrupt_while_a_library_loads_ends_at_once(tmp_path: Path, tiny_model_folder: Path) -> None:
    """Python itself would answer when the loading returns: here it never does."""
    (tmp_path / "torch.py").write_text("import time; print('loading', flush=True); time.sleep(3600)")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [*PROGRAM, "complete", "Once", "--model", str(tiny_model_folder), "--precision", "float16"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=600)
    assert (process.returncode, rest, errors) == (-signal.SIGINT, b"", b""), "ended by the signal, as a shell expects"


@posix
def test_an_interrupt_while_reading_standard_input_ends_quietly() -> None:
    code = """
import os, signal, sys, threading
from gptdesk.cli import main
from gptdesk.doctor import required_packages
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
sys.exit(main(["tokenize", "-"]))
"""
    reader, writer = os.pipe()  # nobody ever writes
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code], stdin=reader, capture_output=True, timeout=600, check=False
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


@posix
def test_a_reader_that_leaves_is_no_error(tiny_model_folder: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, *ENDLESS, str(tiny_model_folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(timeout=600) == 141
    assert b"Traceback" not in errors
    assert b"BrokenPipe" not in errors


@posix
def test_a_mistake_is_not_printed_among_the_output_where_standard_error_is_closed() -> None:
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *PROGRAM, "tokenize"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, timeout=600, check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")


def run_with_torch(torch: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs gptdesk where torch is a module with that source."""
    (folder / "torch.py").write_text(torch)
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [*PROGRAM, *arguments], env=environment, capture_output=True, encoding="utf-8", timeout=600, check=False
    )


def test_a_library_that_does_not_load_is_not_taken_for_a_full_disk(tmp_path: Path, tiny_model_folder: Path) -> None:
    torch = "raise OSError('libc10.so: cannot open shared object file')"  # as ctypes does, without a number
    ended = run_with_torch(
        torch, tmp_path, "complete", "x", "--model", str(tiny_model_folder), "--precision", "float16"
    )
    assert ended.returncode == 1
    assert "libc10.so" in ended.stderr
    assert "output" not in ended.stderr


# tokenize


def test_tokenize_prints_ids_and_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenize", 'Hi "you"\n 😀']) == 0
    assert capsys.readouterr().out == (
        '17250\t"Hi"\n366\t" \\""\n5832\t"you"\n1\t"\\""\n198\t"\\n"\n30325\t" \\xf0\\x9f\\x98"\n222\t"\\x80"\n'
    )


def test_tokenize_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenize", "--json", "Hello world"]) == 0
    assert lines(capsys.readouterr().out) == [{"id": 15496, "text": "Hello"}, {"id": 995, "text": " world"}]


@pytest.mark.parametrize(("flags", "ids"), [([], [27, 91, 437, 1659, 5239, 91, 29]), (["--special"], [50256])])
def test_tokenize_takes_end_of_text_for_text_unless_asked(
    capsys: pytest.CaptureFixture[str], flags: list[str], ids: list[int]
) -> None:
    assert main(["tokenize", "<|endoftext|>", "--json", *flags]) == 0
    assert [line["id"] for line in lines(capsys.readouterr().out)] == ids


def test_tokenize_reads_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    type_text(monkeypatch, "\ufeffé".encode())  # Windows likes to put a mark before the text
    assert main(["tokenize", "-"]) == 0
    assert capsys.readouterr().out == '2634\t"é"\n'


# doctor


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = main(["doctor", "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_doctor_finds_everything_in_order(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    status, report = doctor(capsys)
    assert (status, report["ok"], report["problems"]) == (0, True, [])
    assert list(report) == ["ok", "versions", "devices", "folders", "qt", "models", "problems"]
    assert report["versions"]["gptdesk"] == gptdesk.__version__
    assert report["versions"]["torch"].startswith("2.")
    assert {"cpu", "auto"} <= set(report["devices"])
    assert report["folders"]["config"] == str(home / "config")
    assert report["qt"]["platform"] == "offscreen"
    assert "parameters" in report["models"][BUNDLED]
    assert not home.exists()


def test_doctor_says_how_it_was_installed_and_asks_for_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = doctor(capsys)
    assert report["versions"]["installation"] == "source tree"
    assert "newest version" not in report["versions"]


@pytest.mark.parametrize(("address", "expected"), [("", "gptdesk 9.0 is out"), ("http://127.0.0.1:1/", "not known: ")])
def test_doctor_asks_for_the_newest_version_when_told_to(
    capsys: pytest.CaptureFixture[str], home: Path, server: ReleaseServer, address: str, expected: str
) -> None:
    SettingsFile(home / "config" / SETTINGS_FILE).save(Settings(update_address=address or server.address))
    assert main(["doctor", "--json", "--updates"]) == 0
    assert json.loads(capsys.readouterr().out)["versions"]["newest version"].startswith(expected)


def test_doctor_finds_no_fault_with_a_program_without_its_window() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_QT, "doctor", "--json"], timeout=600, capture_output=True, check=False
    )
    report = json.loads(ended.stdout)
    assert report["problems"] == []
    assert "pip install 'gptdesk[window]'" in report["qt"]["platform"]


def test_doctor_lists_what_the_project_depends_on_and_no_extras() -> None:
    project = tomllib.loads((Path(gptdesk.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    names = {re.split(r"[<>=;\s]", requirement)[0] for requirement in project["project"]["dependencies"]}
    assert required_packages() == sorted(names, key=str.lower)


def test_doctor_lists_what_an_installed_program_depends_on(tmp_path: Path) -> None:
    """A wheel brings its requirements in its metadata, those of extras among them."""
    (tmp_path / "gptdesk-9.dist-info").mkdir()
    metadata_file = tmp_path / "gptdesk-9.dist-info" / "METADATA"
    metadata_file.write_text(
        "Metadata-Version: 2.1\nName: gptdesk\nVersion: 9\nRequires-Dist: torch>=2.6\n"
        "Requires-Dist: numba>=0.61; python_version < '3.16'\nRequires-Dist: pyarrow>=18; extra == 'data'\n"
    )
    shutil.copytree(Path(gptdesk.__file__).parent, tmp_path / "gptdesk", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from gptdesk.doctor import required_packages; print(required_packages())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    listed = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert listed.stdout.strip() == "['numba', 'torch']"


def test_doctor_says_whether_compiled_code_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    from gptdesk.inference.cpu.native_code import processor

    pytest.importorskip("numba")
    _, report = doctor(capsys)
    assert report["devices"]["compiled code"].startswith(f"for {processor().name}, numba ")


def test_compile_says_that_compiled_code_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numba")
    assert main(["compile"]) == 0
    assert capsys.readouterr().out.startswith("Compiled code: for ")


def test_doctor_counts_a_missing_numba_as_slow_and_not_as_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = metadata.version

    def without_numba(package: str) -> str:
        if package == "numba":
            raise metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(metadata, "version", without_numba)
    status, report = doctor(capsys)
    assert (status, report["problems"]) == (0, [])
    assert report["versions"]["numba"] == "missing: decoding on a CPU takes several times as long"


def test_doctor_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    home.write_text("in the way")
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    status, report = doctor(capsys)
    assert (status, report["ok"]) == (1, False)
    problems = " ".join(report["problems"])
    assert f"{home} is not a folder; free its place or set GPTDESK_HOME" in problems
    assert (
        'platform: Qt does not start here (qt.qpa.plugin: Could not find the Qt platform plugin "nonsense"' in problems
    )


def test_doctor_survives_a_broken_torch(tmp_path: Path) -> None:
    ended = run_with_torch("", tmp_path, "doctor", "--json")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert any("has no attribute" in problem for problem in json.loads(ended.stdout)["problems"])


def test_doctor_marks_problems_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    home.write_text("in the way")
    assert main(["doctor"]) == 1
    output = capsys.readouterr().out
    assert "\nfolders\n  config " in output
    assert f"! {home} is not a folder" in output
    assert output.splitlines()[-1].endswith("marked with !")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_the_output_is_said() -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*PROGRAM, "tokenize", "x"], stdout=full, stderr=subprocess.PIPE, timeout=600, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.decode() == "The output cannot be written (No space left on device).\n"


# What is imported when


def test_the_command_line_imports_neither_torch_nor_qt() -> None:
    code = """
import sys
from gptdesk.cli import main
from gptdesk.doctor import required_packages
assert main(["tokenize", "x"]) == 0
assert main(["complete", "x", "--model", "/nowhere"]) == 2
sys.exit(bool({"torch", "PySide6", "pyqtgraph"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600, capture_output=True)


WITHOUT_QT = """
import sys
sys.modules["PySide6"] = None  # as if it were not installed
from gptdesk.cli import main
from gptdesk.doctor import required_packages
sys.exit(main(sys.argv[1:]))
"""


def test_completing_needs_no_qt(tiny_model_folder: Path) -> None:
    arguments = ["complete", "Once", "--max-tokens", "2", "--model", str(tiny_model_folder)]
    ended = subprocess.run([sys.executable, "-c", WITHOUT_QT, *arguments], timeout=600, capture_output=True, check=True)
    assert ended.stdout


def test_a_window_without_qt_is_refused() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT_QT], timeout=600, capture_output=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.decode() == (
        "The window is not installed; install it with: pip install 'gptdesk[window]', or see gptdesk --help for what "
        "works without it.\n"
    )


def test_the_version_is_printed() -> None:
    ended = subprocess.run([*PROGRAM, "--version"], timeout=600, capture_output=True, check=True)
    assert ended.stdout.decode().strip() == f"gptdesk {gptdesk.__version__} (source tree)"


def test_the_installed_command_is_the_module() -> None:
    command = shutil.which("gptdesk", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("gptdesk is not installed beside this Python")
    ended = subprocess.run([command, "--version"], timeout=600, capture_output=True, check=True)
    assert ended.stdout.decode().strip() == f"gptdesk {gptdesk.__version__} (source tree)"


def test_bytes_that_are_no_character_are_shown_as_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenize", r"東 \xe6"]) == 0
    pieces = [line.partition("\t")[2] for line in capsys.readouterr().out.splitlines()]
    assert pieces[:2] == [r'"\xe6\x9d"', r'"\xb1"']
    assert pieces[2] == r'" \\"', "what only looks like one is escaped"


def test_who_looks_for_a_command_of_the_trainer_is_told_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "--help"]) == 2
    assert capsys.readouterr().err.strip().endswith("python -m trainer prepare")


def test_the_trainer_runs_as_a_command_of_gptdesk() -> None:
    command = [sys.executable, "-m", "gptdesk", "trainer", "resume", "no-such-folder"]
    ended = subprocess.run(command, timeout=600, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no-such-folder is no run directory" in ended.stderr
