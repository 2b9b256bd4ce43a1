"""What a section of the GPU's benchmark is told, and the model it measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptdesk.gpt2.config import GPT2Config

if TYPE_CHECKING:
    import torch

    from gptdesk.inference.engine import Engine

Report = Callable[[dict[str, Any]], None]
"""Takes what a section has found so far; a section that is ended at its limit keeps what it handed over last."""

TINY = GPT2Config(n_layer=2, n_head=2, n_embd=32, n_positions=128)


@dataclass(frozen=True)
class Options:
    """What a section is told.

    Attributes:
        device: "cuda", or "cpu" to try everything out.
        tiny: whether sizes are such that everything ends within a minute on a CPU; figures mean nothing then.
        out: folder of reports and runs.
        seconds: that the section may take.
        train: folder of prepared data for the bundled model's training, if that is asked for.
        flags: settings of that training.
    """

    device: str
    tiny: bool
    out: Path
    seconds: float
    train: Path | None = None
    flags: tuple[str, ...] = ()

    def model_folder(self) -> Path:
        """A folder with GPT-2 124M with random weights: what is computed does not depend on them."""
        from benchmarks.decode import random_model

        return random_model(TINY if self.tiny else None)

    def engine(self, precision: str) -> Engine:
        """That model on the device; on a CPU with the code that CUDA runs, step by step."""
        from gptdesk.gpt2.checkpoint import load_model
        from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
        from gptdesk.inference.cuda.decoder import DeviceDecoder
        from gptdesk.inference.decoder import ready
        from gptdesk.inference.engine import Engine

        folder = self.model_folder()
        if self.device != "cpu":
            return Engine.load(folder, device=self.device, precision=precision)
        model = load_model(folder)
        return Engine(model, gpt2_tokenizer(), decoder=ready(DeviceDecoder(model, graphs=False)))

    def peer(self) -> Any:
        """The same model in `transformers`, in bfloat16 on CUDA."""
        import torch
        import transformers

        dtype = torch.float32 if self.device == "cpu" else torch.bfloat16
        model = transformers.GPT2LMHeadModel.from_pretrained(self.model_folder(), dtype=dtype)
        return model.to(self.device).eval()

    def wait(self) -> None:
        """Until the device has computed everything."""
        import torch

        if self.device != "cpu":
            torch.cuda.synchronize()


def random_prompt(config: GPT2Config, length: int) -> list[int]:
    """So many ids from all over the vocabulary."""
    import torch

    generator = torch.Generator().manual_seed(length)
    ids: list[int] = torch.randint(0, min(config.vocab_size, 50257), (length,), generator=generator).tolist()
    return ids


def device_of(options: Options) -> torch.device:
    """The device as torch has it."""
    from gptdesk.devices import choose_device

    return choose_device(options.device)
