"""`trainer eval` and `trainer sample` as a person calls them, and how they refuse."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.inference.engine import Engine
from tests.patience import wait_for
from trainer.checkpoint import TrainState, save_checkpoint
from trainer.cli import main
from trainer.config.schema import OptimSection
from trainer.evaluation.compare import Sample, format_samples, read_prompts
from trainer.evaluation.models import find_model, find_models
from trainer.evaluation.published import PUBLISHED
from trainer.evaluation.report import format_results
from trainer.optim import Optimizers
from trainer.parallel.distributed import ProcessGroup

PASSAGE = json.dumps({"text": "The cat sat on the mat"}) + "\n"
QUESTION = json.dumps({"ctx": "A man sits", "endings": ["down.", "up.", "on a cat.", "in."], "label": 2}) + "\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("Once upon a time there was a cat, and it was grey.\n" * 10, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run_folder(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose best checkpoint is not its newest."""
    run = tmp_path_factory.mktemp("runs") / "cats"
    (run / "checkpoints").mkdir(parents=True)
    model = load_model(tiny_model_folder)
    one = ProcessGroup(0, 1, torch.device("cpu"))
    for step in (10, 20, 30):
        state = TrainState(step=step, best_step=20, best_loss=5.0)
        optimizers = Optimizers(model, OptimSection())
        save_checkpoint(run / "checkpoints", model, optimizers, state, vocab_size=50257, processes=one)
    return run


def test_eval_measures_shows_and_writes_every_model_and_task(
    tiny_model_folder: Path, run_folder: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lambada.jsonl").write_text(PASSAGE)
    (tmp_path / "hellaswag.jsonl").write_text(QUESTION)
    out = tmp_path / "results.json"
    flags = ["--text", str(text), "--context", "32", "--stride", "8"]
    flags += ["--lambada", str(tmp_path / "lambada.jsonl"), "--hellaswag", str(tmp_path / "hellaswag.jsonl")]
    assert main(["eval", str(tiny_model_folder), str(run_folder), *flags, "--json", str(out), "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    results = json.loads(out.read_text())
    assert results["complete"]
    assert [model["name"] for model in results["models"]] == ["tiny", "cats/step-00000020"]
    tasks = ["perplexity", "lambada/last_token", "lambada/last_word", "hellaswag/build-nanogpt"]
    assert [(item["model"], item["task"]) for item in results["results"]] == [
        (model["name"], task) for model in results["models"] for task in tasks
    ]
    perplexities = [item["metrics"]["per_token"] for item in results["results"] if item["task"] == "perplexity"]
    assert perplexities[0] == perplexities[1]  # the same weights
    for item in results["results"]:
        assert item["protocol"] in shown
        assert item["published"]
    assert f"{perplexities[0]:,.2f}" in shown
    assert "GPT-2 124M" in shown
    assert "Radford et al. 2019, table 3" in shown


def test_published_figures_stand_beside_every_task_with_their_source() -> None:
    tests = {"lambada/last_token", "lambada/last_word", "hellaswag/build-nanogpt", "hellaswag/lm-eval"}
    assert {row.task for row in PUBLISHED} == {"validation", "perplexity"} | tests
    assert all(row.source for row in PUBLISHED)


def test_no_results_are_no_table() -> None:
    assert format_results([]) == ""


def test_a_model_is_found_by_folder_checkpoint_run_and_name(
    tiny_model_folder: Path, run_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model_folder, home / "models" / "mine")
    checkpoint = run_folder / "checkpoints" / "step-00000030"
    assert find_model(str(tiny_model_folder)).folder == tiny_model_folder
    assert find_model(str(checkpoint)).name == "cats/step-00000030"
    assert find_model(str(run_folder)).folder == run_folder / "checkpoints" / "step-00000020"
    assert find_model("mine").folder == home / "models" / "mine"
    monkeypatch.chdir(run_folder.parent)
    assert find_model("cats").name == "cats/step-00000020"


def test_without_its_best_checkpoint_a_run_means_its_newest_whole_one(run_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "damaged"
    shutil.copytree(run_folder, run)
    shutil.rmtree(run / "checkpoints" / "step-00000020")
    (run / "checkpoints" / "step-00000030" / "model.safetensors").write_bytes(b"half")
    assert find_model(str(run)).name == "damaged/step-00000010"


def test_models_of_one_name_are_told_apart(tiny_model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "tiny")
    given = [str(tiny_model_folder), str(tmp_path / "tiny")]
    assert [model.name for model in find_models(given)] == given


GOOD = b"Once upon a time"

# What is asked, FILE's contents, and what the sentence must hold; {model}, {file} and {folder} are paths.
BAD_INPUTS = [
    ("eval {model}", b"", "Say what to measure"),
    ("eval nobody --text {file}", GOOD, "no model 'nobody'"),
    ("eval {folder} --text {file}", GOOD, "neither a model folder nor a run"),
    ("eval {folder}/run --text {file}", GOOD, "no whole checkpoint yet"),
    ("eval {model} --text {folder}/nothing", GOOD, "No such file"),
    ("eval {model} --text {folder}", GOOD, "cannot be read"),
    ("eval {model} --text {file}", b"\xff\xfe\0", "not UTF-8"),
    ("eval {model} --text {file}", b"", "is empty"),
    ("eval {model} --text {file} --context 65", GOOD, "must be 1 to 64"),
    ("eval {model} --text {file} --context 8 --stride 9", GOOD, "stride must be 1 to 8"),
    ("eval {model} --text {file} --limit 0", GOOD, "--limit must be 1 or more"),
    ("eval {model} --data {folder}", GOOD, "no prepared data"),
    ("eval {model} --text {file} --device tpu", GOOD, "no device called 'tpu'"),
    ("eval {model} --text {file} --json {folder}/no/out", GOOD, "cannot be written"),
    ("eval {model} --lambada {folder}/nothing", b"", "No such file"),
    ("eval {model} --lambada {file}", b'{"text": "a b"}\n{', "line 2: this is not JSON"),
    ("eval {model} --lambada {file}", b"[1]", "must be one JSON object"),
    ("eval {model} --lambada {file}", b'{"txt": "a b"}', "item 1: there is no"),
    ("eval {model} --lambada {file}", b'{"text": "a"}', "two words"),
    ("eval {model} --lambada {file}", b"\n", "holds no items"),
    ("eval {model} --lambada {file}", b"\xff\xff", "not UTF-8"),
    ("eval {model} --lambada hub", b"", "cannot be downloaded from the hub"),
    ("eval {model} --hellaswag {file}", PASSAGE.encode(), "no question of HellaSwag"),
    ("eval {model} --hellaswag {file}", QUESTION.replace("2}", "4}").encode(), "label 4 names none"),
    ("eval {model} --hellaswag {file}", QUESTION.replace("2}", '""}').encode(), "no question of HellaSwag"),
    ("eval {model} --hellaswag {file}", QUESTION.replace('"up."', "7").encode(), "no question of HellaSwag"),
    ("eval {model} --hellaswag {file}.parquet", b"PAR1, and then nothing", "parquet"),
    ("sample {model}", b"", "There is no prompt"),
    ("sample {model} --prompts {file}", b"\n \n", "holds no prompts"),
    ("sample {model} --prompts {folder}/nothing", b"", "No such file"),
    ("sample {model} --prompts {file}.jsonl", b'{"text": "a"}', 'JSON object with "prompt"'),
    ("sample {model} --prompt a --temperature 9", b"", "temperature must be a number"),
]


@pytest.mark.parametrize(("asked", "contents", "expected"), BAD_INPUTS)
def test_bad_input_is_one_sentence_and_exit_code_2(
    asked: str,
    contents: bytes,
    expected: str,
    tiny_model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for suffix in ("", ".parquet", ".jsonl"):
        (tmp_path / f"file{suffix}").write_bytes(contents)
    argv = [part.format(model=tiny_model_folder, file=tmp_path / "file", folder=tmp_path) for part in asked.split()]
    assert main(argv) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert expected in lines[0]


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub as one small data set needs."""

    files: dict[str, bytes]
    sha = "0123456789abcdef0123456789abcdef01234567"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/datasets/EleutherAI/lambada_openai"):
            names = [{"rfilename": name} for name in self.files]
            contents = json.dumps({"id": "EleutherAI/lambada_openai", "sha": self.sha, "siblings": names}).encode()
        else:
            contents = self.files.get(path.partition(f"/resolve/{self.sha}/")[2], b"")
        self.send_response(200 if contents else 404)
        self.send_header("Content-Length", str(len(contents)))
        self.send_header("X-Repo-Commit", self.sha)
        self.send_header("ETag", f'"{len(contents)}"')
        self.end_headers()
        if body:
            self.wfile.write(contents)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    """Address of a hub that has LAMBADA, among other files."""
    _Hub.files = {
        "README.md": b"# no",
        "data/lambada_test_de.jsonl": b"no",
        "data/lambada_test_en.jsonl": PASSAGE.encode(),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_hub_is_read_at_a_revision_that_is_recorded(hub: str, tmp_path: Path) -> None:
    code = (
        "import json; from trainer.evaluation.sources import *; "
        "source = open_source('hub', LAMBADA); print(json.dumps([source.items, dict(source.record)]))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    environment["HF_HUB_DISABLE_PROGRESS_BARS"] = environment["HF_HUB_DISABLE_TELEMETRY"] = "1"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    items, record = json.loads(done.stdout)
    assert items == [json.loads(PASSAGE)]
    assert record["repository"] == "EleutherAI/lambada_openai"
    assert record["revision"] == _Hub.sha
    assert record["file"] == "data/lambada_test_en.jsonl"
    assert len(record["sha256"]) == 64


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise there")
def test_ctrl_c_ends_cleanly_and_keeps_what_was_measured(tiny_model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lambada.jsonl").write_text(PASSAGE)
    (tmp_path / "long.txt").write_text("Once upon a time there was a cat. " * 30_000)
    out = tmp_path / "results.json"
    argv = ["eval", str(tiny_model_folder), str(tiny_model_folder), "--lambada", str(tmp_path / "lambada.jsonl")]
    argv += ["--hellaswag", str(tmp_path / "many.jsonl"), "--json", str(out), "--device", "cpu"]
    (tmp_path / "many.jsonl").write_text(QUESTION * 20_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "trainer", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(
        lambda: out.exists() and json.loads(out.read_text())["results"],  # LAMBADA is done, HellaSwag goes on
        "the first result",
        alive=lambda: process.poll() is None,
    )
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Cancelled; what was measured until then is shown."
    assert "Traceback" not in errors
    assert "LAMBADA, last word" in shown
    results = json.loads(out.read_text())
    assert not results["complete"]
    assert {item["task"] for item in results["results"]} == {"lambada/last_token", "lambada/last_word"}


def test_sample_writes_what_the_engine_writes_for_every_model_prompt_and_seed(
    tiny_model_folder: Path, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gptdesk.inference.sampling.settings import DecodingSettings

    (tmp_path / "prompts.txt").write_text("Once\n\n  upon a time\n")
    out = tmp_path / "samples.json"
    argv = [
        "sample",
        str(tiny_model_folder),
        str(run_folder),
        "--prompt",
        "A cat",
        "--prompts",
        str(tmp_path / "prompts.txt"),
    ]
    flags = ["--preset", "Creative", "--seed", "7", "--n", "2", "--max-tokens", "6", "--stop", "qqq", "--device", "cpu"]
    assert main([*argv, *flags, "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    samples = json.loads(out.read_text())["samples"]
    assert [(s["model"], s["prompt"], s["seed"]) for s in samples] == [
        (model, prompt, seed)
        for model in ("tiny", "cats/step-00000020")
        for prompt in ("A cat", "Once", "  upon a time")
        for seed in (7, 8)
    ]
    assert [s["text"] for s in samples[:6]] == [s["text"] for s in samples[6:]]  # the same weights and seeds
    settings = DecodingSettings(temperature=1.1, top_k=200, top_p=0.98, seed=8, max_tokens=6, stop=("qqq",))
    *_, done = Engine.load(tiny_model_folder, device="cpu").generate("Once", settings)
    assert samples[3]["text"] == getattr(done, "text", None)
    assert "'  upon a time', seed 8" in shown


def test_without_a_seed_one_is_drawn_and_told(
    tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "samples.json"
    argv = ["sample", str(tiny_model_folder), "--prompt", "A cat", "--max-tokens", "2", "--json", str(out)]
    assert main([*argv, "--device", "cpu"]) == 0
    written = json.loads(out.read_text())
    assert written["samples"][0]["seed"] == written["settings"]["seed"]
    assert f"seed {written['settings']['seed']}" in capsys.readouterr().out


def test_a_mistake_in_what_is_asked_leaves_earlier_texts_alone(tiny_model_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples.json"
    out.write_text("{}")
    argv = ["sample", str(tiny_model_folder), "nobody", "--prompt", "A cat", "--json", str(out)]
    assert main(argv) == 2
    assert out.read_text() == "{}"


def test_texts_that_cannot_be_saved_are_refused_before_they_are_written(
    tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["sample", str(tiny_model_folder), "--prompt", "A cat", "--json", str(tmp_path / "no" / "out")]
    assert main(argv) == 2
    shown = capsys.readouterr()
    assert "cannot be written" in shown.err
    assert not shown.out


@contextmanager
def on_terminal(command: list[str]) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A process whose stderr is a terminal, and that terminal's other end."""
    import pty

    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
            try:
                yield process, ours
            finally:
                process.kill()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise there")
def test_ctrl_c_ends_sampling_cleanly_and_keeps_the_whole_texts(tiny_model_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples.json"
    (tmp_path / "prompts.txt").write_text("Once\n" * 100_000)
    argv = ["sample", str(tiny_model_folder), "--prompts", str(tmp_path / "prompts.txt"), "--max-tokens", "2"]
    command = [sys.executable, "-m", "trainer", *argv, "--json", str(out), "--device", "cpu"]
    errors = ""
    with on_terminal(command) as (process, terminal):
        while "writing: " not in errors:  # some are written; a terminal is told so at once
            errors += os.read(terminal, 1000).decode()
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=600)
        errors += os.read(terminal, 100_000).decode()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "\x1b[KCancelled; the texts finished until then are shown."
    assert "Traceback" not in errors
    assert "'Once', seed" in shown
    saved = json.loads(out.read_text())
    assert not saved["complete"]
    assert 0 < len(saved["samples"]) < 100_000


def _sample(model: str, text: str) -> Sample:
    return Sample(model, "Once", 0, 7, text, "length", 3, 1.0)


def test_texts_stand_in_columns_where_there_is_room() -> None:
    shown = format_samples([_sample("small", "a cat\nsat"), _sample("large", "a dog")], width=80)
    assert shown.splitlines() == [
        "'Once', seed 7",
        f"{'small':<38} │ large",
        f"{'3 tokens, length':<38} │ 3 tokens, length",
        f"{'─' * 38} │ {'─' * 38}",
        f"{'a cat':<38} │ a dog",
        f"{'sat':<38} │",
    ]


def test_texts_stand_below_each_other_where_columns_would_be_narrow() -> None:
    shown = format_samples([_sample("small", "a cat\nsat"), _sample("large", "a dog")], width=60)
    assert shown.splitlines() == [
        "'Once', seed 7",
        "small, 3 tokens, length",
        "  a cat",
        "  sat",
        "large, 3 tokens, length",
        "  a dog",
    ]


def test_control_characters_of_a_text_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in format_samples([_sample("small", "\x1b[2Jgone")], width=80)


def test_prompts_in_json_lines_may_hold_line_ends(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "a\\nb"}\n{"prompt": ""}\n')
    assert read_prompts(tmp_path / "p.jsonl") == ["a\nb", ""]


def test_a_model_with_a_small_vocabulary_is_told_what_it_does_not_know(tmp_path: Path, text: Path) -> None:
    from gptdesk.gpt2.config import GPT2Config
    from gptdesk.gpt2.model import GPT2
    from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
    from trainer.evaluation.tasks import PerplexityTask

    model = GPT2(GPT2Config(vocab_size=10, n_layer=1, n_head=1, n_embd=8, n_positions=8))
    model.init_weights()
    save_model(model, tmp_path / "small")
    task = PerplexityTask.open(text, context=None, stride=None, limit=None)
    with pytest.raises(UserError, match="the model knows only 0 to 9"):
        task.measure(
            load_model(tmp_path / "small"), gpt2_tokenizer(), batch_tokens=64, progress=lambda done, total: None
        )
