"""Copies of models that are in memory, for the CPU's own network and decoder."""

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.int4.calibration import Calibration
from gptdesk.inference.cpu.int4.calibration_text import random_ids
from gptdesk.inference.cpu.weights import Weights
from gptdesk.inference.in_torch.shared_weights import model_of


def weights_of(model: GPT2, precision: str, ids: npt.NDArray[np.int64] | None = None) -> Weights:
    """The weights of a model on the CPU at a precision; ``ids`` for the calibration of int4 (a few random ones)."""
    config = model.config
    weights = Weights(config, precision)
    calibration = Calibration(config, random_ids(config, 2, min(config.n_positions, 16)) if ids is None else ids)
    for name, weight in model.named_parameters():
        rows = weight.detach().float().numpy().__getitem__
        if precision == "int4":
            weights.fill_calibrated(name, rows, calibration)
        else:
            weights.fill(name, rows)
    return weights


def quantize_model(model: GPT2, precision: str, ids: npt.NDArray[np.int64] | None = None) -> GPT2:
    """A copy in torch in "int8" or "int4" of a model on the CPU; ``ids`` as for `weights_of`."""
    return model_of(weights_of(model, precision, ids))
