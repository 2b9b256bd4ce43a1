"""Losses, perplexities and published tests against transformers on the same weights."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import END_OF_TEXT, VOCAB_SIZE, GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.shards import PreparedData, TokenSet
from trainer.evaluation.hellaswag import PROTOCOLS, hellaswag, questions
from trainer.evaluation.lambada import lambada, passages
from trainer.evaluation.perplexity import Perplexity, strided_rows, text_perplexity
from trainer.evaluation.scoring import Row, score_rows
from trainer.evaluation.sources import HELLASWAG, LAMBADA, open_source
from trainer.evaluation.tasks import ValidationTask

TEXT = (
    "The cat sat on the mat, and the dog — who had been there before — looked at it.\n\n"
    "\"Where are you going?\" said the farmer. “Über die Brücke,” answered the cat, 'and home by 7:30!'\n"
) * 3


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> GPT2:
    return load_model(tiny_model_folder)


@pytest.fixture(scope="module")
def peer(tiny_model_folder: Path) -> Any:
    from transformers import GPT2LMHeadModel

    return GPT2LMHeadModel.from_pretrained(tiny_model_folder).eval()


def peer_losses(peer: Any, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """-ln p of each token but the first given those before it, by transformers, and each likeliest token."""
    with torch.no_grad():
        logits = peer(torch.tensor([ids])).logits[0, :-1].double()
    losses = -logits.log_softmax(-1)[range(len(ids) - 1), ids[1:]]
    return losses.numpy(), logits.argmax(-1).numpy()


@pytest.mark.parametrize(("context", "stride"), [(32, 32), (32, 16), (32, 5), (7, 1)])
def test_perplexity_equals_the_strided_loop_of_transformers_documentation(
    model: GPT2, peer: Any, context: int, stride: int
) -> None:
    # https://huggingface.co/docs/transformers/perplexity: its windows hold the last target too, so one token more than
    # ours, and its means are weighted here by the targets that the loss really counts.
    ids = torch.tensor([[END_OF_TEXT, *gpt2_tokenizer().encode(TEXT)]])
    length, nats, tokens, scored_to = ids.shape[1], 0.0, 0, 0
    for begin in range(0, length, stride):
        end = min(begin + context + 1, length)
        targets = ids[:, begin:end].clone()
        targets[:, : scored_to - begin] = -100
        with torch.no_grad():
            loss = peer(ids[:, begin:end], labels=targets).loss
        counted = int((targets[:, 1:] != -100).sum())
        nats, tokens, scored_to = nats + loss.item() * counted, tokens + counted, end
        if end == length:
            break
    found = text_perplexity(model, gpt2_tokenizer(), TEXT, context=context, stride=stride)
    assert found.tokens == tokens == length - 1
    assert found.nats == pytest.approx(nats, rel=1e-5)
    assert found.per_token == pytest.approx(math.exp(nats / tokens), rel=1e-4)


def test_words_are_counted_as_lm_evaluation_harness_does_and_bytes_as_utf8(model: GPT2) -> None:
    found = text_perplexity(model, gpt2_tokenizer(), TEXT, context=32, stride=32)
    words = len(re.split(r"\s+", TEXT))
    assert (found.words, found.bytes) == (words, len(TEXT.encode()))
    assert found.per_word == pytest.approx(math.exp(found.nats / words))
    assert found.per_byte == pytest.approx(2**found.bits_per_byte)


@pytest.mark.parametrize("bias", [True, False])
def test_a_model_that_knows_nothing_has_the_vocabulary_as_perplexity(bias: bool) -> None:
    ignorant = GPT2(GPT2Config(n_layer=1, n_head=1, n_embd=8, n_positions=16, bias=bias)).eval()
    for parameter in ignorant.parameters():
        torch.nn.init.zeros_(parameter)
    found = text_perplexity(ignorant, gpt2_tokenizer(), "Once upon a time", context=16, stride=8)
    assert found.per_token == pytest.approx(VOCAB_SIZE, rel=1e-5)


@pytest.mark.parametrize(("length", "context", "stride"), [(2, 5, 5), (11, 5, 5), (12, 5, 2), (40, 7, 1), (6, 5, 3)])
def test_every_token_but_the_first_is_scored_once_with_enough_context(length: int, context: int, stride: int) -> None:
    rows = strided_rows(np.arange(length, dtype=np.int32), context=context, stride=stride)
    scored = [int(token) for row in rows for token in row.ids[-row.scored :]]
    assert scored == list(range(1, length))
    assert all(len(row.ids) <= context + 1 for row in rows)
    assert all(len(row.ids) - row.scored >= context - stride + 1 for row in rows[1:-1])


def test_an_improbable_text_has_an_infinite_perplexity_and_no_overflow() -> None:
    assert Perplexity(nats=1e6, tokens=1, words=1, bytes=1).per_word == math.inf


def test_a_limit_reads_only_the_beginning(model: GPT2) -> None:
    tokenizer = gpt2_tokenizer()
    part = tokenizer.decode(tokenizer.encode(TEXT)[:20])
    limited = text_perplexity(model, tokenizer, TEXT, context=8, stride=8, limit=20)
    assert limited == text_perplexity(model, tokenizer, part, context=8, stride=8)


def test_batches_change_nothing_but_rounding(model: GPT2) -> None:
    generator = np.random.default_rng(0)
    rows = [
        Row(generator.integers(0, VOCAB_SIZE, size=n, dtype=np.int32), int(generator.integers(1, n)))
        for n in (2, 65, 3, 17, 17, 40, 5, 65)
    ]
    alone = score_rows(model, rows, batch_tokens=1)
    together = score_rows(model, rows, batch_tokens=10_000)
    for a, b, row in zip(alone, together, rows, strict=True):
        assert len(a.losses) == row.scored
        np.testing.assert_allclose(a.losses, b.losses, rtol=1e-5)
        np.testing.assert_array_equal(a.hits, b.hits)


def test_rows_that_pad_the_vocabulary_get_no_probability(model: GPT2) -> None:
    padded = GPT2(model.config.padded_to(128)).eval()
    state = model.state_dict()
    rows = padded.config.vocab_size - VOCAB_SIZE
    for name in ("wte.weight", "lm_head.weight"):
        state[name] = torch.cat([state[name], torch.full((rows, model.config.n_embd), 9.0)])
    padded.load_state_dict(state)
    row = Row(np.arange(100, 120, dtype=np.int32), 10)
    np.testing.assert_allclose(score_rows(padded, [row])[0].losses, score_rows(model, [row])[0].losses, rtol=1e-5)


def test_a_model_that_computes_nan_is_refused() -> None:
    broken = GPT2(GPT2Config(vocab_size=10, n_layer=1, n_head=1, n_embd=8, n_positions=8)).eval()
    torch.nn.init.constant_(broken.ln_f.weight, math.nan)
    with pytest.raises(UserError, match="not numbers"):
        score_rows(broken, [Row(np.array([1, 2], dtype=np.int32), 1)])


def test_a_token_that_the_model_does_not_know_is_named() -> None:
    small = GPT2(GPT2Config(vocab_size=10, n_layer=1, n_head=1, n_embd=8, n_positions=8)).eval()
    with pytest.raises(UserError, match="token 10, but the model knows only 0 to 9"):
        score_rows(small, [Row(np.array([1, 10], dtype=np.int32), 1)])


@pytest.mark.parametrize("limit", [None, 100])
def test_validation_loss_is_the_mean_over_windows_side_by_side(model: GPT2, peer: Any, limit: int | None) -> None:
    ids = np.array(gpt2_tokenizer().encode(TEXT), dtype=np.uint16)
    tokens = TokenSet.of([ids[:37], ids[37:]])
    data = PreparedData(Path("made-up"), {}, "", train=tokens, val=tokens)
    (found,) = ValidationTask(data, context=25, limit=limit).measure(
        model, gpt2_tokenizer(), batch_tokens=60, progress=lambda done, total: None
    )
    every = range(0, len(ids) - 1, 25)
    starts = every if limit is None else [every[i * len(every) // 4] for i in range(4)]  # 100 tokens are 4 windows
    losses = np.concatenate([peer_losses(peer, [int(i) for i in ids[start : start + 26]])[0] for start in starts])
    assert found.counts == {"tokens": len(losses)}
    assert found.metrics["loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert found.metrics["perplexity"] == pytest.approx(math.exp(losses.mean()), rel=1e-4)


def test_validation_loss_scores_only_what_the_data_says_is_to_be_learnt(model: GPT2, peer: Any) -> None:
    ids = np.array(gpt2_tokenizer().encode(TEXT)[:40], dtype=np.uint16)
    learnt = np.arange(40) % 3 == 0
    tokens = TokenSet.of([ids], [np.packbits(learnt, bitorder="little")])
    data = PreparedData(Path("made-up"), {}, "", train=tokens, val=tokens)
    (found,) = ValidationTask(data, context=64).measure(
        model, gpt2_tokenizer(), batch_tokens=64, progress=lambda done, total: None
    )
    losses = peer_losses(peer, [int(i) for i in ids])[0][learnt[1:]]
    assert found.counts == {"tokens": 13}
    assert found.metrics["loss"] == pytest.approx(losses.mean(), rel=1e-5)


@pytest.mark.parametrize(
    "tokens",
    [
        TokenSet.of([]),
        TokenSet.of([np.zeros(1, np.uint16)]),
        TokenSet.of([np.zeros(20, np.uint16)], [np.zeros(3, np.uint8)]),
    ],
    ids=["no shards", "one token", "masked"],
)
def test_validation_data_with_nothing_to_score_is_refused(model: GPT2, tokens: TokenSet) -> None:
    data = PreparedData(Path("made-up"), {}, "", train=tokens, val=tokens)
    with pytest.raises(UserError, match="no tokens to score"):
        ValidationTask(data).measure(model, gpt2_tokenizer(), batch_tokens=64, progress=lambda done, total: None)


def json_lines(path: Path, items: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(item) for item in items) + "\n\n", encoding="utf-8")
    return str(path)


def guessable_passages(peer: Any) -> list[str]:
    """Passages that end in the word that the model itself finds likeliest, so that right answers occur in the test."""
    tokenizer, found = gpt2_tokenizer(), []
    for word in TEXT.split():
        context = f"And then we saw {word}"
        _, likeliest = peer_losses(peer, [*tokenizer.encode(context), 0])
        guess = tokenizer.decode([int(likeliest[-1])])
        if re.fullmatch(r" \w+", guess):
            found.append(context + guess)
    return found


def test_lambada_by_last_token_and_by_last_word_equals_transformers(model: GPT2, peer: Any, tmp_path: Path) -> None:
    tokenizer = gpt2_tokenizer()
    guessable = guessable_passages(peer)
    assert guessable, "the random model ought to like some whole word after one of the contexts"
    texts = [
        *guessable,
        "Her face was unbelievably counterrevolutionary",  # a last word of several tokens
        "word " * 80 + "end",  # longer than the context
    ]
    file = json_lines(tmp_path / "lambada_test.jsonl", [{"text": text} for text in texts])
    last_token, last_word = lambada(model, tokenizer, passages(open_source(file, LAMBADA)))
    token_losses, token_hits, word_losses, word_hits = [], [], [], []
    for text in texts:
        context, word = " ".join(text.split(" ")[:-1]), " " + text.split(" ")[-1]  # as lm-evaluation-harness cuts it
        target = tokenizer.encode(word)
        ids = (tokenizer.encode(context) + target)[-65:]
        if len(ids) == 65:  # transformers' model has 64 positions: the last target needs no position
            losses, likeliest = peer_losses_of_long(peer, ids)
        else:
            losses, likeliest = peer_losses(peer, ids)
        hits = likeliest == np.array(ids[1:])
        token_losses.append(losses[-1])
        token_hits.append(hits[-1])
        word_losses.append(losses[-len(target) :].sum())
        word_hits.append(hits[-len(target) :].all())
    assert 0 < np.mean(word_hits) < 1
    assert last_token.accuracy == pytest.approx(np.mean(token_hits))
    assert last_token.perplexity == pytest.approx(math.exp(np.mean(token_losses)), rel=1e-4)
    assert last_word.accuracy == pytest.approx(np.mean(word_hits))
    assert last_word.perplexity == pytest.approx(math.exp(np.mean(word_losses)), rel=1e-4)


def peer_losses_of_long(peer: Any, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """As `peer_losses`, for a token more than the context."""
    with torch.no_grad():
        logits = peer(torch.tensor([ids[:-1]])).logits[0].double()
    return -logits.log_softmax(-1)[range(len(ids) - 1), ids[1:]].numpy(), logits.argmax(-1).numpy()


ROOF = {
    "activity_label": "Roof shingle removal",
    "ctx_a": "A man is sitting on a roof.",
    "ctx_b": "he",
    "ctx": "A man is sitting on a roof. he",
    "endings": [
        "is using wrap to wrap a pair of skis.",
        "is ripping level tiles off.",
        "is holding a rubik's cube.",
        "starts pulling up roofing on a roof.",
    ],
    "label": 3,
}
HOW_TO = {
    "activity_label": "Home and Garden",
    "ctx_a": "[header] How to clean  a rug [title] Sweep it.",
    "ctx_b": "",
    "ctx": "[header] How to clean  a rug [title] Sweep it.",
    "endings": ["[step] Use a broom.", "Burn it.", "[substeps] Sing to the rug [title] Twice.", "Ähnlich."],
    "label": "1",
}


def roofs(count: int) -> list[dict[str, Any]]:
    return [
        {**ROOF, "ctx": f"{ROOF['ctx']}{' again' * i}", "ctx_a": f"{ROOF['ctx_a']}{' Again.' * i}", "label": i % 4}
        for i in range(count)
    ]


def test_hellaswag_equals_build_nanogpts_own_scoring_of_transformers(model: GPT2, peer: Any, tmp_path: Path) -> None:
    tokenizer, items = gpt2_tokenizer(), [*roofs(12), HOW_TO]
    file = json_lines(tmp_path / "hellaswag_val.jsonl", items)
    protocol = PROTOCOLS["build-nanogpt"]
    found = hellaswag(model, tokenizer, questions(open_source(file, HELLASWAG), protocol), protocol, batch_tokens=100)
    right = right_norm = 0
    for item in items:
        sums, means = [], []
        for ending in item["endings"]:
            context, tail = tokenizer.encode(item["ctx"]), tokenizer.encode(" " + ending)
            losses, _ = peer_losses(peer, context + tail)
            sums.append(losses[-len(tail) :].sum())
            means.append(losses[-len(tail) :].mean())
        right += int(np.argmin(sums)) == int(item["label"])
        right_norm += int(np.argmin(means)) == int(item["label"])
    assert (found.acc, found.acc_norm) == (right / len(items), right_norm / len(items))


def test_hellaswag_as_lm_eval_normalises_by_characters(model: GPT2, peer: Any, tmp_path: Path) -> None:
    tokenizer = gpt2_tokenizer()
    file = json_lines(tmp_path / "hellaswag_val.jsonl", [*roofs(6), HOW_TO])
    protocol = PROTOCOLS["lm-eval"]
    items = questions(open_source(file, HELLASWAG), protocol)
    found = hellaswag(model, tokenizer, items, protocol)
    right = right_norm = 0
    for item in items:
        sums = []
        for ending in item.endings:
            tail = tokenizer.encode(" " + ending)
            sums.append(peer_losses(peer, tokenizer.encode(item.context) + tail)[0][-len(tail) :].sum())
        right += int(np.argmin(sums)) == item.label
        right_norm += int(np.argmin(np.array(sums) / [len(ending) for ending in item.endings])) == item.label
    assert (found.acc, found.acc_norm) == (right / len(items), right_norm / len(items))


def test_hellaswag_as_lm_eval_puts_the_label_before_and_takes_out_wikihows_marks() -> None:
    read = PROTOCOLS["lm-eval"].read
    assert read(ROOF).context == "Roof shingle removal: A man is sitting on a roof. He"
    assert read(ROOF).endings[2] == "is holding a rubik's cube."
    assert read(HOW_TO).context == "Home and Garden: How to clean a rug. Sweep it."
    assert read(HOW_TO).endings == (" Use a broom.", "Burn it.", " Sing to the rug. Twice.", "Ähnlich.")
    assert read(HOW_TO).label == 1
