"""What the benchmark of CUDA says where there is none."""

import pytest
import torch

from benchmarks import cuda


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_it_ends_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cuda.main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("There is no CUDA here")
    assert printed.err.count("\n") == 1
