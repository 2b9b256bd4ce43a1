"""A program in which a sampler and its setting were added as CONTRIBUTING.md says; prints what came of it as JSON.

The source of the two modules that the recipe names is edited before it is executed; everything else is the product as
it is. Run by `test_added_sampler`.
"""

import importlib.util
import json
import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

SAMPLING = "gptdesk.inference.sampling"
FIELD = """\
    made_up: float = setting(
        0.0,
        title="Made-up cut",
        help="Keeps token number 7 + the tokens so far.",
        group=Group.REPETITION,
        limit=Limit(0.0, 3.0),
        control=Slider(highest=2.0),
        word="off",
    )
"""
NEXT = "    repetition_penalty: float = setting(\n"
SAMPLER = """
import numpy as np
from gptdesk.inference.sampling.sampler import Sampler

class MadeUp(Sampler):
    settings = ("made_up",)

    def start(self, settings):
        return []

    def apply(self, logits, history, told):
        left = np.full_like(logits, -np.inf)
        left[7 + len(told)] = 0
        return left

    def chosen(self, told, id, probability):
        assert probability == 1
        told.append(id)
"""


def execute(name: str, source: str, origin: str) -> None:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, origin=origin)
    module.__file__ = origin
    sys.modules[name] = module
    exec(compile(source, origin, "exec"), module.__dict__)


def edited(name: str, old: str, new: str) -> None:
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{name} has no single place for the edit"
    execute(name, source.replace(old, new), found.origin)


edited(f"{SAMPLING}.sampler_settings", NEXT, FIELD + NEXT)
execute(f"{SAMPLING}.made_up", SAMPLER, "made_up.py")
edited(
    f"{SAMPLING}.registry",
    "    TypicalP(),\n",
    '    TypicalP(),\n    __import__("gptdesk.inference.sampling.made_up", fromlist=["MadeUp"]).MadeUp(),\n',
)

import argparse  # noqa: E402
from dataclasses import replace  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from gptdesk.commands import complete  # noqa: E402
from gptdesk.errors import UserError  # noqa: E402
from gptdesk.gpt2.config import GPT2Config  # noqa: E402
from gptdesk.gpt2.model import GPT2  # noqa: E402
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer  # noqa: E402
from gptdesk.inference.cuda import sampling as device_sampling  # noqa: E402
from gptdesk.inference.engine import Engine, TokenEvent  # noqa: E402
from gptdesk.inference.sampling.fields import Group  # noqa: E402
from gptdesk.inference.sampling.presets import apply_preset, choosing  # noqa: E402
from gptdesk.inference.sampling.reference import reference_page  # noqa: E402
from gptdesk.inference.sampling.settings import DecodingSettings  # noqa: E402
from gptdesk.store.settings import Settings  # noqa: E402
from gptdesk.ui.decoding.panel import DecodingPanel  # noqa: E402
from gptdesk.ui.services.settings import SavedSettings  # noqa: E402
from gptdesk.ui.theme import Theme  # noqa: E402
from trainer.commands import sample  # noqa: E402

ON: Any = DecodingSettings(made_up=0.5, max_tokens=4, seed=1)  # type: ignore[call-arg]


def help_of(command: Any) -> str:
    commands = argparse.ArgumentParser().add_subparsers()
    command.add_parser(commands)
    (parser,) = commands.choices.values()
    return " ".join(parser.format_help().split())


def refusal() -> str:
    try:
        replace(ON, made_up=4)
    except UserError as error:
        return str(error)
    return ""


def tokens() -> list[int]:
    torch.manual_seed(1)
    model = GPT2(GPT2Config(n_positions=32, n_embd=32, n_layer=1, n_head=1))
    events = Engine(model, gpt2_tokenizer()).generate("Once", ON)
    return [event.id for event in events if isinstance(event, TokenEvent)]


def panel() -> dict[str, Any]:
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        settings = SavedSettings(Path(folder) / "settings.json")
        shown = DecodingPanel(Theme(app, "light"), settings)
        row = shown.rows["made_up"]
        row.box.setValue(0.25)
        found = {
            "in its group": shown.sections[Group.REPETITION].isAncestorOf(row),
            "label": row.label.text(),
            "tooltip": row.label.toolTip(),
            "setting": settings.value.decoding.made_up,
            "preset": shown.presets.box.currentText(),
        }
        shown.neutral.click()
        found["reset"] = [settings.value.decoding.made_up, row.box.text()]
        settings.flush()
    return found


facts = {
    "complete": help_of(complete),
    "sample": help_of(sample),
    "page": reference_page(),
    "refusal": refusal(),
    "json": [ON.to_json(), DecodingSettings.from_json(ON.to_json()) == ON],
    "saved": Settings.from_json(json.loads(json.dumps(Settings(decoding=ON).to_json())))[0].decoding == ON,
    "kept by a preset": choosing(ON).to_json(),
    "set by a preset": apply_preset(ON, DecodingSettings(max_tokens=9)).to_json(),
    "fast path of CUDA": [device_sampling.is_simple(ON), device_sampling.is_simple(DecodingSettings())],
    "tokens": tokens(),
}
device_sampling.serves = lambda logits, settings: device_sampling.is_simple(settings)  # as if the logits were on a card
facts["tokens on a card"] = tokens()
facts["panel"] = panel()
print(json.dumps(facts))
