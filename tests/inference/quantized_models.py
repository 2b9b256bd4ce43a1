"""Quantised copies of models that are in memory."""

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.int4.calibration import Calibration
from gptdesk.inference.cpu.int4.calibration_text import random_ids
from gptdesk.inference.cpu.quantized import QuantizedWeights


def quantize_model(model: GPT2, precision: str, ids: npt.NDArray[np.int64] | None = None) -> GPT2:
    """A copy in "int8" or "int4" of a model on the CPU; ``ids`` for the calibration of int4 (a few random ones)."""
    config = model.config
    weights = QuantizedWeights(config, precision)
    calibration = Calibration(config, random_ids(config, 2, min(config.n_positions, 16)) if ids is None else ids)
    for name, weight in model.named_parameters():
        if precision == "int4":
            weights.fill_calibrated(name, weight.detach(), calibration)
        else:
            weights.fill(name, weight.detach())
    return weights.model()
