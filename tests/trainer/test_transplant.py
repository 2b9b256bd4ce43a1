"""`trainer transplant`: what a model keeps under another vocabulary and with more layers."""

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.cli import main
from trainer.data.tokenizer import open_tokenizer

SENTENCE = "The old mill by the river wasn't turning, and 17 geese stood in its shade. Größe!\n"
CONFIG = GPT2Config(vocab_size=50_304, n_positions=32, n_embd=16, n_layer=2, n_head=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of random weights and OpenAI's vocabulary, padded."""
    folder = tmp_path_factory.mktemp("models") / "mill"
    made = GPT2(CONFIG)
    made.init_weights(torch.Generator().manual_seed(0))
    for layer, block in enumerate(made.h):
        block.ln_1.weight.data += 0.1 * (layer + 1)
    save_model(made, folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizers")
    text = folder / "mill.txt"
    text.write_text("".join(SENTENCE.replace("17", str(i)) for i in range(200)), encoding="utf-8")
    assert main(["tokenizer", str(text), "--vocab-size", "330", "--out", str(folder / "bpe")]) == 0
    return folder / "bpe"


def transplanted(model: Path, tokenizer: Path, out: Path, *more: str) -> GPT2:
    assert main(["transplant", str(model), "--tokenizer", str(tokenizer), "--out", str(out), *more]) == 0
    return load_model(out)


def test_tokens_of_both_keep_their_vectors_and_others_get_the_mean_of_their_parts(
    model: Path, tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = load_model(model), transplanted(model, tokenizer, tmp_path / "out")
    old, new = gpt2_tokenizer(), load_tokenizer(tmp_path / "out", after.config)
    assert new.sha256 == open_tokenizer(tokenizer).sha256
    assert after.wte.weight.shape == (330, 16)
    assert torch.equal(after.wte.weight[new.end_of_text], before.wte.weight[old.end_of_text])
    by_bytes = {old.token_bytes(id): id for id in range(old.vocab_size)}
    kept = 1  # the end of text
    for id in range(new.vocab_size - 1):
        bytes_ = new.token_bytes(id)
        if bytes_ in by_bytes:
            kept += 1
            assert torch.equal(after.wte.weight[id], before.wte.weight[by_bytes[bytes_]]), bytes_
        else:
            is_text = bytes_.decode(errors="ignore").encode() == bytes_  # not parts of characters
            parts = old.encode(bytes_.decode()) if is_text else [by_bytes[bytes([byte])] for byte in bytes_]
            assert torch.allclose(after.wte.weight[id], before.wte.weight[parts].mean(0)), bytes_
    assert 256 < kept < 330
    assert f"330 tokens, {kept} of them with the vectors that they had; 2 layers" in capsys.readouterr().out
    for name, weight in before.named_parameters():
        if name != "wte.weight":
            assert torch.equal(weight, after.get_parameter(name)), name


@pytest.mark.parametrize("layers", [3, 5])
def test_new_layers_change_nothing_until_they_are_trained(
    model: Path, tokenizer: Path, tmp_path: Path, layers: int
) -> None:
    shallow = transplanted(model, tokenizer, tmp_path / "shallow")
    deep = transplanted(model, tokenizer, tmp_path / "deep", "--layers", str(layers))
    ids = torch.arange(20)[None]
    assert deep.config.n_layer == layers
    torch.testing.assert_close(deep(ids), shallow(ids), rtol=0.0, atol=1e-5)
    deep(ids).logsumexp(-1).sum().backward()
    idle = [name for name, weight in deep.named_parameters() if ".c_proj.weight" in name and not weight.grad.any()]
    assert idle == [], "they would never learn"


def test_transformers_reads_the_result(model: Path, tokenizer: Path, tmp_path: Path) -> None:
    ours = transplanted(model, tokenizer, tmp_path / "out", "--layers", "4")
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "out").eval()
    reader = AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = load_tokenizer(tmp_path / "out", ours.config).encode(SENTENCE)[:32]
    assert list(reader(SENTENCE)["input_ids"])[:32] == ids
    assert reader.eos_token_id == theirs.config.eos_token_id == 329
    with torch.no_grad():
        torch.testing.assert_close(theirs(torch.tensor([ids])).logits, ours(torch.tensor([ids])), rtol=0.0, atol=1e-4)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--layers", "1"), "The model has 2 layers, and none can be taken away; give at least 2."),
        (("--tokenizer", "nowhere"), "There is no folder nowhere with a tokenizer in it."),
        (("--out", "."), ". is already there; choose a new folder."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    model: Path,
    tokenizer: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["transplant", str(model), "--tokenizer", str(tokenizer), "--out", "out", *more]
    assert main(asked) == 2
    assert capsys.readouterr().err.strip() == sentence
    assert list(tmp_path.iterdir()) == []
