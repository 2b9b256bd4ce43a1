"""A process of its own that completes a prompt greedily, and what it has to write."""

import subprocess
import sys
from pathlib import Path

from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import Engine, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings

COMPLETE = """
import sys
from pathlib import Path
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.engine import Engine
from gptdesk.inference.events import precision_label
engine = Engine.load(Path(sys.argv[1]), device="cpu", precision="float32", threads=2)
print(precision_label(engine.precision, engine.backend))
if engine.decoder is not None:
    engine.decoder.result(600)
greedy = DecodingSettings(temperature=0, max_tokens=40, logit_bias={50256: -100})
*tokens, done = engine.generate("Once upon a time", greedy)
print(precision_label(done.precision, done.backend), *(token.id for token in tokens), sep="\\n")
"""


def start_completing(
    folder: Path, environment: dict[str, str], *, before: str = "", after: str = ""
) -> subprocess.Popen[str]:
    """Starts it with the model in ``folder``; it runs the Python code ``before`` and ``after`` as well."""
    command = [sys.executable, "-c", before + COMPLETE + after, str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def lines_of(process: subprocess.Popen[str]) -> list[str]:
    """What decoded at first, what decoded in the end, the ids that it wrote, and what ``after`` printed."""
    stdout, stderr = process.communicate(timeout=600)
    assert (process.returncode, stderr) == (0, "")
    return stdout.splitlines()


def ids_by_torch(folder: Path) -> list[str]:
    """The ids that the network in torch writes."""
    greedy = DecodingSettings(temperature=0, max_tokens=40, logit_bias={50256: -100})
    events = Engine(load_model(folder), gpt2_tokenizer()).generate("Once upon a time", greedy)
    return [str(event.id) for event in events if isinstance(event, TokenEvent)]
