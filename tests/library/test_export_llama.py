"""What llama.cpp itself computes with our GGUF files; where llama-cpp-python is installed (the extra ``peers``)."""

from pathlib import Path

import numpy as np
import pytest

from gptdesk.folders import Folders
from gptdesk.library.exporting.export import export_gguf
from gptdesk.library.import_ import import_model
from tests.gpt2.tokenizers.folders import CORPUS, make_folder

llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")

FLOAT32 = 0
"""Of the cache; GGML_TYPE_F32."""


@pytest.mark.parametrize("vocabulary", ["gpt2", "own", "small"])
def test_llama_cpp_reads_the_same_tokens_and_computes_the_same(
    vocabulary: str, folders: Folders, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    folder = make_folder(tmp_path / "made", vocabulary)
    size = GPT2Config.from_pretrained(folder).vocab_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GPT2Config(vocab_size=size, n_positions=256, n_embd=64, n_layer=2, n_head=2, initializer_range=0.2)
        model = GPT2LMHeadModel(config).eval()
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    file = export_gguf(import_model(folders, folder, name="mine"), tmp_path / "mine.gguf", precision="float32")
    other = llama_cpp.Llama(
        str(file), n_ctx=256, logits_all=True, type_k=FLOAT32, type_v=FLOAT32, n_threads=1, verbose=False
    )
    for text in CORPUS:
        ids = tokenizer(text)["input_ids"]
        assert other.tokenize(text.encode(), add_bos=False, special=False) == ids
        other.reset()
        other.eval(ids)
        with torch.no_grad():
            expected = model(torch.tensor([ids])).logits[0].numpy()
        found = np.asarray(other.scores[: len(ids)])
        np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
