"""Devices, precisions and threads."""

import os
import subprocess
import sys

import pytest
import torch

from gptdesk.devices import (
    choose_device,
    choose_precision,
    choose_quantization,
    is_out_of_memory,
    physical_cores,
)
from gptdesk.errors import UserError

CPU = torch.device("cpu")
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
without_mps = pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a machine without MPS")


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == CPU


@without_cuda
@without_mps
def test_auto_falls_back_to_the_cpu() -> None:
    assert choose_device() == choose_device("auto") == CPU


@pytest.mark.cuda
def test_auto_prefers_cuda() -> None:
    device = choose_device("auto")
    assert device.type == "cuda"
    assert choose_precision("auto", device) in (torch.bfloat16, torch.float16)


@without_cuda
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_cuda_is_refused_where_it_is_not(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}.*is not there.*use cpu or auto"):
        choose_device(name)


@without_mps
def test_mps_is_refused_where_it_is_not() -> None:
    with pytest.raises(UserError, match="Apple silicon"):
        choose_device("mps")


@pytest.mark.parametrize("name", ["", "tpu", "CPU", "cpu:1", "cuda:", "cuda:-1", "cuda:99999999999999999999", "meta"])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="no device called"):
        choose_device(name)


@pytest.mark.parametrize("name", ["auto", "int8", "int4"])
def test_what_is_not_quantised_is_float32(name: str) -> None:
    assert choose_precision(name, CPU) == torch.float32


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_quantised_models_are_refused_elsewhere(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is for the CPU; on cuda use"):
        choose_precision(name, torch.device("cuda"))


@pytest.mark.parametrize(
    ("name", "quantization"),
    [("auto", "int8"), ("int8", "int8"), ("int4", "int4"), ("float32", None), ("bfloat16", None), ("float16", None)],
)
def test_models_are_quantised_on_a_cpu(name: str, quantization: str | None) -> None:
    assert choose_quantization(name, CPU) == quantization


def test_auto_is_not_quantised_on_a_card() -> None:
    assert choose_quantization("auto", torch.device("cuda")) is None


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_precision_can_be_chosen(name: str) -> None:
    assert choose_precision(name, CPU) == getattr(torch, name)


@pytest.mark.parametrize("name", ["", "float64", "int2", "nn"])
def test_unknown_precisions_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="no precision called"):
        choose_precision(name, CPU)


def test_a_full_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())


def test_other_errors_are_not_a_full_memory() -> None:
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_cores_are_counted() -> None:
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)


def test_threads_are_set_before_torch_loads() -> None:
    """And what a person has set stays."""
    code = """
import os, sys
from gptdesk.devices import physical_cores, set_thread_environment
set_thread_environment()
assert "torch" not in sys.modules
import torch
assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE" and os.environ["GOMP_SPINCOUNT"] == "7"
assert torch.get_num_threads() == physical_cores()
"""
    names = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in names} | {"GOMP_SPINCOUNT": "7"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=600)
